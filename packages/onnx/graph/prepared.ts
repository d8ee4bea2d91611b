/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { denseInitializers } from "./dense_initializers.ts";
import { ownStatistics } from "./own_statistics.ts";

/**
 * A model as it is read: sparse initializers dense, running statistics apart from parameters. The same
 * model where there is nothing to do.
 */
export const prepared = (model: ModelProto): ModelProto => ownStatistics(denseInitializers(model));

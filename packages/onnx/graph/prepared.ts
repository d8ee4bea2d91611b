/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { denseInitializers } from "./dense_initializers.ts";
import { newerModel } from "./newer_model.ts";
import { ownStatistics } from "./own_statistics.ts";

/**
 * A model as it is read: sparse initializers dense, operator sets before 7 brought to a newer one,
 * running statistics apart from parameters. The same model where there is nothing to do.
 */
export const prepared = (model: ModelProto): ModelProto =>
  ownStatistics(newerModel(denseInitializers(model)));

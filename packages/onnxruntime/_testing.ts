/**
 * What tests of trainers share.
 *
 * @module
 */
import { createRequire } from "node:module";
import type { Ort } from "./ort.ts";

export { block, cnn, mlp, type TestNetwork } from "./networks/_testing.ts";

/** onnxruntime-node. */
export const nodeOrt = createRequire(import.meta.url)("onnxruntime-node") as Ort;

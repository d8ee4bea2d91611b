/** @module */
import { ruleFor } from "../rules/mod.ts";
import { buildModelWith, type ModelBuilder } from "./model_builder.ts";
import { typedAttribute } from "./typed_attribute.ts";

/**
 * Builds an ONNX model in JavaScript, types and shapes inferred.
 *
 * @param opset Version of the default operator set. Default 18.
 * @throws {OnnxError} For shapes that do not fit, when the node is added.
 *
 * @example
 * ```ts
 * import { buildModel, writeModel } from "@precond/onnx";
 *
 * const m = buildModel();
 * const x = m.input("x", ["N", 2]);
 * const w = m.parameter("w", [2, 3], new Float32Array(6));
 * m.output(m.op("MatMul", [x, w], {}, "y"));
 * const bytes = writeModel(m.build());
 * ```
 */
export function buildModel(opset: number = 18): ModelBuilder {
  return buildModelWith({ lookup: ruleFor, typedAttribute }, opset);
}

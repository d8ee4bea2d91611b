/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { inlineFunctions } from "../graph/inline_functions.ts";
import { addKnownBranch } from "../graph/known_branch.ts";
import { prepared } from "../graph/prepared.ts";
import { ruleFor } from "../rules/mod.ts";
import { cpu } from "./cpu/cpu.ts";
import { refuseUnknownSizes } from "./known_sizes.ts";
import { type Legalized, type LegalizeOptions, legalizeWith } from "./legalize_with.ts";
import type { MakeLegality, Target } from "./target.ts";
import { webgl } from "./webgl/webgl.ts";
import { webgpu } from "./webgpu.ts";

const targets: Readonly<Record<Target, MakeLegality>> = { cpu, webgpu, webgl };

/**
 * Writes a model with the operators that an execution provider runs, and no more of them than it
 * needs: known shapes become constants, repetitions and dead nodes go. Names and shapes of inputs and
 * outputs stay, parameters can be fed as before. Legal models can be differentiated, and gradient
 * graphs legalized.
 *
 * - `"cpu"` leaves operators as they are, but for sums over leading axes (gradients of biases), which
 *   are faster as products with ones, gradients of convolutions' windows from 5×5 on with few channels,
 *   products of what is transposed twice (com.microsoft's FusedMatMul) and, for several `threads`,
 *   transposed convolutions (gradients of images).
 * - `"webgpu"` writes out what would fall back to the CPU or fail at run time; int64 inputs that are
 *   more than indices become int32.
 * - `"webgl"` writes operator set 12 without what the provider lacks; every size must be known, and
 *   integer inputs become float32.
 *
 * Nodes whose results are outputs alone come last, in the reverse of the order in which they could run:
 * ONNX Runtime then frees what a gradient was made from as soon as it is made.
 *
 * What `differentiate()` computes again in the backward pass stays so on the CPU, where memory is what
 * it saves; on WebGPU and WebGL the forward values are kept.
 *
 * @throws {OnnxError} One error that lists every node that the target does not run.
 * @throws {TypeError} For a size that the model does not have.
 *
 * @example
 * ```ts
 * import { differentiate, legalize, readModel } from "@precond/onnx";
 *
 * function webgpuTraining(bytes: Uint8Array) {
 *   const { model } = differentiate(readModel(bytes), { loss: { type: "crossEntropy" } });
 *   const { model: legal, inputs } = legalize(model, "webgpu");
 *   return { legal, labelsAreInt32: inputs.has("labels") };
 * }
 * ```
 */
export function legalize(
  given: ModelProto,
  target: Target,
  options: LegalizeOptions = {},
): Legalized {
  refuseUnknownSizes("legalize", given, options?.sizes);
  return legalizeWith(
    { lookup: ruleFor, prepared, inlineFunctions, addKnownBranch, targets },
    given,
    target,
    options,
  );
}

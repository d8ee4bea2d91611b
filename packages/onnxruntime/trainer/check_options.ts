/** @module */
import { kindOf } from "../engine/feeds/kind_of.ts";
import type { Ort } from "../ort.ts";
import type { TrainerOptions } from "./options.ts";

/**
 * Refuses, where they are given, arguments that would fail later and elsewhere, or do something else
 * without a word: callers may have no types.
 *
 * @throws {TypeError} For another type.
 * @throws {RangeError} For a value out of range.
 */
export function checkOptions(ort: Ort, options: TrainerOptions): void {
  const { optimizer, accumulate = 1, hutchinson = "exact", executionProviders } = options;
  if (typeof ort?.InferenceSession?.create !== "function") {
    throw new TypeError(
      `Cannot create a trainer: the first argument must be a build of ONNX Runtime, such as ` +
        `"onnxruntime-node", given is ${kindOf(ort)}`,
    );
  }
  if (optimizer !== undefined && !Array.isArray(optimizer?.needs)) {
    throw new TypeError(
      `Cannot create a trainer: optimizer must be a definition of @precond/core, such as adamW(), ` +
        `given is ${kindOf(optimizer)}`,
    );
  }
  const providers = options.sessionOptions?.executionProviders ?? executionProviders;
  if (providers !== undefined && (!Array.isArray(providers) || providers.length === 0)) {
    throw new TypeError(
      `Cannot create a trainer: executionProviders must be a list such as ["cpu"], ` +
        `current value is ${JSON.stringify(providers)}`,
    );
  }
  if (hutchinson !== "exact" && hutchinson !== "finiteDifferences") {
    throw new TypeError(
      `Cannot create a trainer: hutchinson must be "exact" or "finiteDifferences", ` +
        `current value is "${hutchinson}"`,
    );
  }
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new RangeError(
      `Cannot create a trainer: accumulate must be a positive integer, current value is ${accumulate}`,
    );
  }
}

/** A learning rate that overrides the optimizer's: checked where it is set. */
export function checkLearningRate(rate: number | undefined): number | undefined {
  if (rate === undefined || (typeof rate === "number" && rate >= 0 && rate < Infinity)) return rate;
  throw new RangeError(
    `Cannot set the learning rate: it must be finite and not negative, or undefined for the ` +
      `optimizer's own, current value is ${rate}`,
  );
}

/**
 * Refuses, where they are given, arguments that would fail later and elsewhere, or do something else
 * without a word: callers may have no types.
 *
 * @module
 */
import { checkOptions, type Kind } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import { kindOf } from "../engine/feeds/kind_of.ts";
import type { TrainerOptions } from "../engine/options.ts";
import type { Ort } from "../hosts/ort.ts";
import type { SaveAdapterOptions } from "../saving/adapter_files.ts";
import type {
  ComputeOptions,
  ExportModelOptions,
  FitOptions,
  SaveOptions,
  StepOptions,
} from "./options.ts";

const record = (must: string): Kind => ({
  must,
  type: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
});
const sizes: Kind = {
  ...record("be positive integers by the names of sizes, such as { N: 64 }"),
  range: (given: object) => Object.values(given).every((n) => Number.isSafeInteger(n) && n >= 1),
};
const recompute: Kind = {
  must: "be false, { keep: names of values } or { bytes: the most to keep }",
  type: (value) => value === false || (typeof value === "object" && value !== null),
};
const providers: Kind = {
  must: 'be a list such as ["cpu"]',
  type: (value) => Array.isArray(value) && value.length > 0,
};
const signal: Kind = {
  must: "be the signal of an AbortController",
  type: (value) => typeof value === "object" && value !== null && "aborted" in value,
};
const samples = record("be samples by the names of the parameters");

const stepKinds = { readLoss: kinds.flag, batchSize: kinds.positive, curvature: samples };

/** @throws {TypeError} If it is no build of ONNX Runtime. */
export function checkBuild(ort: Ort): void {
  if (typeof ort?.InferenceSession?.create === "function") return;
  throw new TypeError(
    `Cannot create a trainer: the first argument must be a build of ONNX Runtime, such as ` +
      `"onnxruntime-node", given is ${kindOf(ort)}`,
  );
}

/** @throws As `checkOptions()` of core does. */
export function checkTrainerOptions(options: TrainerOptions | undefined): TrainerOptions {
  const action = "create a trainer";
  const checked = checkOptions(action, options, {
    optimizer: kinds.definition,
    trainable: kinds.either(kinds.listOf(kinds.text), kinds.callable),
    frozen: kinds.listOf(kinds.text),
    training: kinds.flag,
    executionProviders: providers,
    sizes,
    sessionOptions: record("be options of ONNX Runtime's sessions"),
    capture: kinds.flag,
    accumulate: kinds.count,
    seed: kinds.seed,
    outputs: kinds.listOf(kinds.text),
    recompute,
    hutchinson: kinds.oneOf("exact", "finiteDifferences"),
    differenceStep: kinds.positive,
  });
  const { executionProviders } = checked.sessionOptions ?? {};
  checkOptions(action, { executionProviders }, { executionProviders: providers });
  return checked;
}

/** The options as they are now; samples are copied, as feeds are. */
export function checkStepOptions(options: StepOptions | undefined): StepOptions {
  return withCopies(checkOptions("step", options, stepKinds));
}

/** @throws As `checkOptions()` of core does. */
export function checkComputeOptions(
  options: (StepOptions & ComputeOptions) | undefined,
): StepOptions & ComputeOptions {
  const all = { ...stepKinds, sampleCurvature: kinds.flag };
  return withCopies(checkOptions("compute gradients", options, all));
}

function withCopies<Options extends StepOptions>(checked: Options): Options {
  const { curvature } = checked;
  if (curvature === undefined) return checked;
  const copies = Object.entries(curvature).map(([name, values]) => [
    name,
    kinds.float32Array.type(values) ? new Float32Array(values) : values,
  ]);
  return { ...checked, curvature: Object.fromEntries(copies) };
}

export function checkSaveOptions(options: SaveOptions | undefined): SaveOptions {
  return checkOptions("save the trainer", options, {
    format: kinds.oneOf("safetensors", "checkpoint"),
  });
}

export function checkExportOptions(options: ExportModelOptions | undefined): ExportModelOptions {
  return checkOptions("export the model", options, { averaged: kinds.flag });
}

export function checkSaveAdapterOptions(
  options: SaveAdapterOptions | undefined,
): SaveAdapterOptions {
  return checkOptions("save the adapter", options, {
    format: kinds.oneOf("peft", "onnx"),
    prefix: kinds.text,
    strip: kinds.text,
    baseModel: kinds.text,
    taskType: kinds.text,
  });
}

export function checkFitOptions(options: FitOptions | undefined): FitOptions {
  return checkOptions("fit", options, {
    epochs: kinds.count,
    onStep: kinds.callable,
    onEpoch: kinds.callable,
    batchSize: kinds.either(kinds.positive, kinds.callable),
    signal,
  });
}

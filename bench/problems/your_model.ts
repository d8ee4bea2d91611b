/**
 * A model and data of the user's, as a module describes them.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Tensor2D, Variable } from "@tensorflow/tfjs-core";
import type * as core from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type * as layers from "@tensorflow/tfjs-layers";
import { InputError } from "./input_error.ts";
import type { LossName } from "./layers.ts";

/** TensorFlow.js as the benchmark runs it. */
export type Tensors = typeof core & typeof layers;

/** A model without layers of tfjs-layers. */
export interface VariableModel {
  /** What is trained. */
  readonly variables: Variable[];
  /** Rows of outputs (logits of a classification) of rows of features. */
  outputs(x: Tensor2D): Tensor2D;
}

/** Examples: x has a row for each, nested as one likes; y a class, a number or a row of numbers. */
export interface YourExamples {
  readonly x: Float32Array | readonly unknown[];
  readonly y: Float32Array | Int32Array | readonly (number | readonly number[])[];
}

/** What may be minimised of a model of the user's. */
export type YourLoss = Exclude<LossName, "variational">;

/** What the default export of a module says. */
export interface YourModel {
  /** Default: the file's name. */
  readonly title?: string;
  /** `½‖f − y‖²`, or cross-entropy of logits (or of what a softmax or sigmoid layer gives). */
  readonly loss: YourLoss;
  /** Makes the model, for the tfjs backends; weights of a seed are those of its first call. */
  readonly tfjs?: (tf: Tensors, seed: number) => LayersModel | VariableModel;
  /** An ONNX model, its file beside the module, or its bytes, for ONNX Runtime. */
  readonly onnx?: string | URL | Uint8Array;
  /** In its place: the folder of ONNX Runtime's training artifacts, which have a loss of their own. */
  readonly artifacts?: string | URL;
  readonly data: {
    readonly train: YourExamples;
    /** To choose learning rates by; default: every sixth example of `train`. */
    readonly validation?: YourExamples;
    readonly test: YourExamples;
  };
  /** Default 16. */
  readonly batchSize?: number;
  /** Default 200, with --full 2,000. */
  readonly steps?: number;
  /** The test loss to reach. Default: half the loss of knowing nothing but the training targets. */
  readonly target?: number;
}

const known = [
  ...["title", "loss", "tfjs", "onnx", "artifacts", "data", "batchSize", "steps", "target"],
];

/**
 * Imports a module and looks at what it describes.
 *
 * @throws {InputError} If there is none, it fails, or it describes something else.
 */
export async function importModel(file: string): Promise<YourModel> {
  const refuse = (why: string): never => {
    throw new InputError(`Cannot use the model of "${file}": ${why}`);
  };
  const url = pathToFileURL(resolve(file));
  if (!await Deno.stat(url).then(({ isFile }) => isFile, () => false)) {
    refuse("there is no such file");
  }
  const loaded = await import(url.href).catch((error) => refuse(String(error))) as object;
  if (!("default" in loaded)) refuse("it has no default export");
  const { default: model } = loaded as { default: YourModel };
  if (typeof model !== "object" || model === null) refuse("its default export is no object");
  const wrong = Object.keys(model).find((name) => !known.includes(name));
  if (wrong !== undefined) refuse(`it has "${wrong}", which is none of ${known.join(", ")}`);
  if (!["classification", "binary", "squared"].includes(model.loss)) {
    refuse(`loss must be classification, binary or squared, current value is ${model.loss}`);
  }
  if (model.onnx !== undefined && model.artifacts !== undefined) {
    refuse("it has both onnx and artifacts");
  }
  if (model.tfjs === undefined && model.onnx === undefined && model.artifacts === undefined) {
    refuse("it has none of tfjs, onnx and artifacts");
  }
  if (model.tfjs !== undefined && typeof model.tfjs !== "function") {
    refuse("tfjs must be a function (tf, seed) => model");
  }
  if (!model.data?.train || !model.data.test) refuse("data must have train and test");
  for (const name of ["batchSize", "steps"] as const) {
    const value = model[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      refuse(`${name} must be a positive integer, current value is ${value}`);
    }
  }
  if (model.target !== undefined && !(model.target > 0 && model.target < Infinity)) {
    refuse(`target must be a positive number, current value is ${model.target}`);
  }
  return model;
}

/**
 * An ONNX model of the user's, or training artifacts, in training.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  type ArtifactFiles,
  type Loss,
  type ModelProto,
  readArtifacts,
  readModel,
} from "@precond/onnx";
import type { Feed, Feeds, TrainerSource } from "@precond/onnxruntime";
import type { Examples } from "./digits.ts";
import { evaluation } from "./evaluation.ts";
import { contentOf, InputError } from "./input_error.ts";
import type { Learner, Training } from "./learner.ts";
import { settled, trainerOn } from "./onnx_learner.ts";
import type { YourLoss, YourModel } from "./your_model.ts";

const losses: Readonly<Record<YourLoss, Loss>> = {
  classification: { type: "crossEntropy" },
  binary: { type: "binaryCrossEntropy" },
  squared: { type: "mse" },
};

/** The types of ONNX that labels may have. */
const int64 = 7;
const int32 = 6;

/** An input of a graph: the type of its elements, and its sizes after the first. */
interface Input {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | undefined)[];
}

/** A source, and its inputs for features and labels. */
interface Source {
  readonly source: TrainerSource;
  readonly input: Input;
  /** Flat where a batch of them is a list of numbers. */
  readonly labels: { readonly name: string; readonly type: number; readonly flat: boolean };
}

/** Makes learners of an ONNX model or of artifacts; paths are relative to `base`. */
export function graphLearners(
  model: YourModel,
  base: URL,
): (backend: string, how: Training) => Promise<Learner> {
  let source: Promise<Source> | undefined;
  return async (backend, how) => {
    const { source: made, input, labels } = await (source ??= sourceOf(model, base));
    const trainer = await trainerOn(backend, made, how);
    const learner: Learner<{ readonly feeds: Feeds; readonly examples: Examples }> = {
      upload: (examples) => ({
        feeds: {
          [input.name]: { data: examples.x, dims: dimsOf(examples, input) },
          [labels.name]: labelsOf(examples, labels),
        },
        examples,
      }),
      async step({ feeds }) {
        await trainer.step(feeds, { readLoss: false });
      },
      settle: () => settled(backend, trainer),
      async evaluate({ feeds, examples }) {
        if (model.onnx === undefined) return { loss: (await trainer.evaluate(feeds)).loss };
        const [values] = Object.values(await trainer.predict({ [input.name]: feeds[input.name]! }));
        const outputs = values!.data as Float32Array;
        const columns = outputs.length / examples.count;
        return evaluation(model.loss, outputs, examples.y, columns);
      },
      weights: () =>
        Promise.all(trainer.parameters.map(async (name) => await trainer.parameter(name))),
      setWeights(weights) {
        trainer.parameters.forEach((name, i) => trainer.setParameter(name, weights[i]!));
      },
      drop() {},
      dispose: () => trainer.release(),
    };
    return learner as Learner;
  };
}

function bytesOf(path: string | URL, base: URL): Promise<Uint8Array> {
  const url = new URL(path, base);
  return contentOf(fileURLToPath(url), Deno.readFile(url));
}

async function sourceOf({ onnx, artifacts, loss }: YourModel, base: URL): Promise<Source> {
  if (onnx !== undefined) {
    const bytes = onnx instanceof Uint8Array ? onnx : await bytesOf(onnx, base);
    const inputs = inputsOf(readModel(bytes));
    const [input] = inputs;
    if (input === undefined || inputs.length > 1) {
      throw new InputError(
        `Cannot use the ONNX model: it has ${inputs.length} inputs, expected is one`,
      );
    }
    const labels = {
      name: "labels",
      type: loss === "classification" ? int64 : 1,
      flat: loss === "classification",
    };
    return { source: { model: bytes, loss: losses[loss] }, input, labels };
  }
  const folder = new URL(`${artifacts}`.replace(/\/*$/, "/"), base);
  const part = (name: string) => bytesOf(name, folder);
  const source: ArtifactFiles = {
    training: await part("training_model.onnx"),
    eval: await part("eval_model.onnx"),
    optimizer: await part("optimizer_model.onnx"),
    checkpoint: await part("checkpoint"),
  };
  const inputs = inputsOf(readArtifacts(source).model);
  const [input, labels] = inputs;
  if (!input || !labels || inputs.length > 2) {
    throw new InputError(
      `Cannot use the artifacts: expected are one input and labels, they have ${
        inputs.map(({ name }) => `"${name}"`).join(", ")
      }`,
    );
  }
  return { source, input, labels: { ...labels, flat: labels.shape.length === 0 } };
}

/** Inputs that are fed, with what they have an example. */
function inputsOf({ graph }: ModelProto): Input[] {
  const fixed = new Set(graph!.initializer.map(({ name }) => name));
  return graph!.input.filter(({ name }) => !fixed.has(name)).map(({ name, type }) => {
    const tensor = type?.value?.$case === "tensorType" ? type.value.value : undefined;
    const dims = tensor?.shape?.dim.slice(1) ?? [];
    const shape = dims.map(({ value }) =>
      value?.$case === "dimValue" ? Number(value.value) : undefined
    );
    return { name, type: tensor?.elemType ?? 1, shape };
  });
}

/** The shape of a batch; one size that the graph leaves open is what is left of the features. */
function dimsOf({ count, features }: Examples, { name, shape }: Input): number[] {
  const known = shape.reduce<number>((a, b) => a * (b ?? 1), 1);
  const open = shape.filter((size) => size === undefined).length;
  if (open > 1 || (open === 0 ? known !== features : features % known !== 0)) {
    const sizes = shape.map((size) => size ?? "?").join(",");
    throw new InputError(
      `Cannot use the data: an example has ${features} numbers, the model's "${name}" takes [${sizes}]`,
    );
  }
  return [count, ...shape.map((size) => size ?? features / known)];
}

function labelsOf({ count, y }: Examples, { type, flat }: Source["labels"]): Feed {
  const dims = flat ? [count] : [count, y.length / count];
  if (type === int64) return { data: BigInt64Array.from(y, BigInt), dims };
  return { data: type === int32 ? Int32Array.from(y) : Float32Array.from(y), dims };
}

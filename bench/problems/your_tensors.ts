/**
 * A tfjs model of the user's in training.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { InputError } from "./input_error.ts";
import { type Learner, modelLearner, startTensors, type Training } from "./learner.ts";
import { losses, type Model, readWeights, writeWeights } from "./model.ts";
import type { Weights } from "./weights.ts";
import type { Tensors, VariableModel, YourLoss, YourModel } from "./your_model.ts";

/** What a user's function has made, as a model; `features` is what an example has. */
function modelOf(
  made: layers.LayersModel | VariableModel,
  loss: YourLoss,
  features: number,
): Model & { readonly all: tf.Variable[] } {
  const { variables, all, outputs, dispose } = "trainableWeights" in made
    ? ofLayers(made, loss, features)
    : ofVariables(made);
  return {
    variables,
    all,
    lossName: loss,
    outputs: ({ x }) => outputs(x, false),
    loss: ({ x, y }) => losses[loss](() => outputs(x, true), y),
    cost: ({ x, y }) => losses[loss](() => outputs(x, false), y)(),
    dispose,
  };
}

function ofVariables(made: VariableModel) {
  if (!Array.isArray(made?.variables) || typeof made.outputs !== "function") {
    throw new InputError(
      "Cannot use the model: tfjs must return a LayersModel or { variables, outputs }",
    );
  }
  const { variables } = made;
  const outputs = (x: tf.Tensor2D, _training: boolean) => made.outputs(x);
  return { variables, all: variables, outputs, dispose: () => tf.dispose(variables) };
}

function ofLayers(made: layers.LayersModel, loss: YourLoss, features: number) {
  if (made.inputs.length !== 1 || made.outputs.length !== 1) {
    throw new InputError(
      `Cannot use the model: it has ${made.inputs.length} inputs and ${made.outputs.length} outputs, ` +
        "one of each is expected",
    );
  }
  const shape = made.inputs[0]!.shape.slice(1);
  const size = shape.reduce<number>((a, b) => a * (b ?? NaN), 1);
  if (size !== features && !Number.isNaN(size)) {
    throw new InputError(
      `Cannot use the data: an example has ${features} numbers, the model takes [${shape}], that is ` +
        `${size}`,
    );
  }
  const variable = (weight: { read(): tf.Tensor }) => weight.read() as tf.Variable;
  const toLogits = logitsOf(made, loss);
  return {
    variables: made.trainableWeights.map(variable),
    all: made.weights.map(variable),
    outputs(x: tf.Tensor2D, training: boolean) {
      const dims = [x.shape[0], ...shape.map((d) => d ?? -1)];
      const y = made.apply(tf.reshape(x, dims), { training }) as tf.Tensor;
      return toLogits(tf.reshape(y, [x.shape[0], -1]) as tf.Tensor2D);
    },
    dispose: () => void made.dispose(),
  };
}

/** Logits of probabilities, where the last layer gives these; ε as in the losses of tfjs-layers. */
function logitsOf(made: layers.LayersModel, loss: YourLoss): (y: tf.Tensor2D) => tf.Tensor2D {
  const { activation } = made.layers.at(-1)!.getConfig() as { activation?: string };
  const inside = (y: tf.Tensor2D) => tf.clipByValue(y, 1e-7, 1 - 1e-7);
  if (loss === "classification" && activation === "softmax") return (y) => tf.log(inside(y));
  if (loss === "binary" && activation === "sigmoid") {
    return (y) => tf.sub(tf.log(inside(y)), tf.log(tf.sub(1, inside(y))));
  }
  return (y) => y;
}

/** Makes learners of a user's function, which start alike for every method. */
export function tensorLearners(
  { tfjs, loss }: YourModel,
  { features, outputs }: { readonly features: number; readonly outputs: number },
): (backend: string, how: Training) => Promise<Learner> {
  const starts = new Map<number, Weights>();
  return async (backend, how) => {
    await startTensors(backend, true);
    const model = modelOf(tfjs!({ ...tf, ...layers } as Tensors, how.seed), loss, features);
    checkOutputs(model, features, outputs);
    const whole = { ...model, variables: model.all };
    const start = starts.get(how.seed);
    // What draws weights of its own would give every method others.
    if (start) writeWeights(whole, start);
    else starts.set(how.seed, await readWeights(whole));
    return modelLearner(backend, how, model);
  };
}

function checkOutputs(model: Model, features: number, needed: number): void {
  const [rows, columns] = tf.tidy(() =>
    model.outputs({ x: tf.zeros([2, features]), y: tf.zeros([2]) }).shape
  );
  const fits = model.lossName === "classification" ? columns! >= needed : columns === needed;
  if (rows !== 2 || !fits) {
    model.dispose();
    throw new InputError(
      `Cannot use the model: for 2 examples it gives [${[
        rows,
        columns,
      ]}], expected is [2,${needed}]` +
        (model.lossName === "classification" ? " or more classes" : ""),
    );
  }
}

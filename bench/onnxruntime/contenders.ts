/** @module */
import { type Chain, gaussNewton, signalNewton } from "@precond/core";
import {
  buildModel,
  generateArtifacts,
  type ModelProto,
  type OptimizerHyperparameters,
} from "@precond/onnx";
import { optimizerOf, type Ort, Trainer } from "@precond/onnxruntime";
import { adam, precond } from "@precond/tfjs";
import { digitsCnn, multilayerPerceptron } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import { dense } from "../problems/model.ts";
import { random } from "../random.ts";
import { oldOrt, timedOrt } from "./builds.ts";
import { names, type TrainingCase } from "./rows.ts";

/** What takes turns; a step resolves to its loss. */
export interface TrainingContender {
  readonly name: string;
  train(): Promise<number>;
  part?(): number;
  dispose(): void | Promise<void>;
}

/** Images and their classes. */
export interface Digits {
  readonly x: Float32Array;
  readonly labels: Int32Array;
}

const [pixels, classes] = [784, 10];
/** Batches that are taken in turn. */
const count = 8;
const rate = 1e-3;
const loss = { type: "crossEntropy" } as const;

/** AdamW as ONNX Runtime's artifacts have it, on both sides. */
const adamWOfOrt: OptimizerHyperparameters = {
  type: "adamw",
  alpha: 0.9,
  beta: 0.999,
  epsilon: 1e-6,
  weightDecay: 0,
  correctBias: true,
  adamMode: 1,
};

/** Noise in place of images: every pixel counts, and no download is needed. */
export function noisyDigits(batchSize: number): Digits[] {
  return Array.from({ length: count }, (_, k) => {
    const draw = random("training digits", k);
    return {
      x: Float32Array.from({ length: batchSize * pixels }, () => draw.normal()),
      labels: Int32Array.from({ length: batchSize }, () => draw.integer(classes)),
    };
  });
}

/** The model, with the same initial values whenever it is built. */
export function modelOf({ model, hidden }: TrainingCase): ModelProto {
  const m = buildModel();
  if (model === "mlp") multilayerPerceptron(m, [pixels, ...hidden, classes]);
  else digitsCnn(m);
  return m.build();
}

/** x and labels as tensors of a build. */
function tensors({ Tensor }: Pick<Ort, "Tensor">, { model }: TrainingCase, batches: Digits[]) {
  return batches.map(({ x, labels }) => ({
    x: new Tensor(
      "float32",
      x,
      model === "mlp" ? [labels.length, pixels] : [labels.length, 1, 28, 28],
    ),
    labels: new Tensor("int64", BigInt64Array.from(labels, BigInt), [labels.length]),
  }));
}

/** Training with us on a build of ONNX Runtime: the whole of `step()`, which reads the loss. */
export async function ours(given: TrainingCase, plain: Ort): Promise<TrainingContender[]> {
  const feeds = tensors(plain, given, noisyDigits(given.batchSize));
  const contender = async (
    name: string,
    optimizer: Chain,
    capture = false,
  ): Promise<TrainingContender> => {
    const { ort, milliseconds } = timedOrt(plain);
    const trainer = await Trainer.create(ort, { model: modelOf(given), loss }, {
      optimizer,
      executionProviders: [given.provider],
      capture,
    });
    let taken = 0;
    return {
      name,
      part: milliseconds,
      train: async () => (await trainer.step(feeds[taken++ % count]!)).loss,
      dispose: () => trainer.release(),
    };
  };
  const adamW = optimizerOf(adamWOfOrt, rate);
  const both = (every: number) =>
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: rate,
      curvature: gaussNewton({ every }),
      damping: 0.1,
    });
  return [
    await contender(names.adamW, adamW),
    // The first step brings a sample, and then none that is timed.
    await contender(names.combined, both(1e9)),
    await contender(names.refresh, both(1)),
    ...(given.provider === "webgpu" ? [await contender(names.captured, adamW, true)] : []),
  ];
}

/** The removed TrainingSession on artifacts of the same model. */
export async function trainingSession(given: TrainingCase): Promise<TrainingContender> {
  const ort = await oldOrt();
  const { training, eval: evaluation, optimizer, checkpoint } = generateArtifacts(modelOf(given), {
    loss,
    optimizer: adamWOfOrt,
  });
  const session = await ort.TrainingSession.create({
    checkpointState: checkpoint,
    trainModel: training,
    evalModel: evaluation,
    optimizerModel: optimizer,
  });
  const feeds = tensors(ort, given, noisyDigits(given.batchSize));
  let taken = 0;
  return {
    name: names.session,
    async train() {
      const [first] = Object.values(await session.runTrainStep(feeds[taken++ % count]!));
      await session.runOptimizerStep();
      await session.lazyResetGrad();
      return (first!.data as Float32Array)[0]!;
    },
    dispose: () => session.release(),
  };
}

/** The MLP in tfjs on wasm, whose backend has no gradient of convolutions. */
export async function tfjsContenders(given: TrainingCase): Promise<TrainingContender[]> {
  if (given.model !== "mlp") return [];
  await tf.setBackend("wasm");
  const batches = noisyDigits(given.batchSize).map(({ x, labels }) => ({
    x: tf.tensor2d(x, [labels.length, pixels]),
    y: tf.tensor1d(labels, "int32"),
  }));
  const contender = (name: string, optimizer: tf.Optimizer): TrainingContender => {
    const model = dense([pixels, ...given.hidden, classes], 1);
    let taken = 0;
    return {
      name,
      async train() {
        const batch = batches[taken++ % count]!;
        const cost = optimizer.minimize(model.loss(batch), true, model.variables)!;
        const [value] = await cost.data();
        cost.dispose();
        return value!;
      },
      dispose() {
        optimizer.dispose();
        model.dispose();
        batches.forEach(({ x, y }) => tf.dispose([x, y]));
      },
    };
  };
  return [
    contender(names.tfjs, tf.train.adam(rate, 0.9, 0.999, 1e-7)),
    contender(names.precondTfjs, precond(adam({ learningRate: rate, epsilon: 1e-7 }))),
  ];
}

import assert from "node:assert/strict";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  openModel,
  oracleOrt,
  runModel,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import type { Loss } from "../differentiate/loss.ts";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { readModel } from "../model/read_model.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { openTraining, type Training } from "./_testing.ts";
import { bufferOf, doneOf, gradientOf, RESET } from "./contract.ts";
import { exportInferenceModel } from "./export_inference_model.ts";
import { generateArtifacts, type GenerateArtifactsOptions } from "./generate_artifacts.ts";
import { ADAMW, type AdamWHyperparameters } from "./optimizer_model.ts";
import { readArtifacts } from "./read_artifacts.ts";
import { writeCheckpoint } from "./write_checkpoint.ts";

const float32 = (value: Value): Value => ({ ...value, type: DataType.FLOAT });
const parameter = (seed: number, dims: number[], scale = 0.5) =>
  float32(normal(seed, dims, (x) => scale * x));
const labels = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });

interface Case {
  readonly name: string;
  readonly model: ModelProto;
  readonly loss: Loss;
  readonly trainable?: readonly string[];
  readonly frozen?: readonly string[];
  readonly optimizer?: AdamWHyperparameters;
  readonly training?: boolean;
  /** A batch for each step; with two of them in a step gradients add up. */
  readonly batch: (step: number) => Readonly<Record<string, Value>>;
}

const mlp: Case = {
  name: "an MLP with cross-entropy",
  model: makeModel({
    nodes: [
      makeNode("Gemm", ["x", "w1", "b1"], ["h"], { transB: 1 }),
      makeNode("Relu", ["h"], ["r"]),
      makeNode("Gemm", ["r", "w2", "b2"], ["y"], { transB: 1, alpha: float(2) }),
    ],
    inputs: { x: float32(normal(1, [4, 5])) },
    initializers: {
      w1: parameter(1, [6, 5]),
      b1: parameter(2, [6]),
      w2: parameter(3, [3, 6]),
      b2: parameter(4, [3]),
    },
    outputs: ["y"],
    symbols: { x: ["batch", 5] },
  }),
  loss: { type: "crossEntropy" },
  batch: (step) => ({
    x: float32(normal(100 + step, [4, 5])),
    labels: labels(0, 1, 2, step % 3),
  }),
};

const cnn: Case = {
  name: "a CNN with a frozen layer and squared error",
  model: makeModel({
    nodes: [
      makeNode("Conv", ["x", "k1", "c1"], ["a"], { pads: [1, 1, 1, 1] }),
      makeNode("BatchNormalization", ["a", "s", "t", "m", "v"], ["n"]),
      makeNode("Tanh", ["n"], ["r"]),
      makeNode("MaxPool", ["r"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
      makeNode("Conv", ["p", "k2"], ["c"]),
      makeNode("Flatten", ["c"], ["f"]),
      makeNode("MatMul", ["f", "w"], ["y"]),
    ],
    inputs: { x: float32(normal(1, [2, 2, 6, 6])) },
    initializers: {
      k1: parameter(1, [3, 2, 3, 3]),
      c1: parameter(2, [3]),
      s: parameter(3, [3]),
      t: parameter(4, [3]),
      m: parameter(5, [3]),
      v: float32({ dims: [3], data: [1, 2, 0.5] }),
      k2: parameter(6, [4, 3, 2, 2]),
      w: parameter(7, [16, 2]),
    },
    outputs: ["y"],
    symbols: { x: ["N", 2, 6, 6] },
    opset: 15,
  }),
  loss: { type: "mse" },
  trainable: ["k2", "w", "s"],
  frozen: ["k1", "m"],
  optimizer: { ...ADAMW, weightDecay: 0.1, alpha: 0.8, adamMode: 0, epsilon: 1e-8 },
  batch: (step) => ({
    x: float32(normal(200 + step, [2, 2, 6, 6])),
    labels: float32(normal(300 + step, [2, 2])),
  }),
};

const attention: Case = {
  name: "attention with layer normalization, clipped gradients",
  model: makeModel({
    nodes: [
      makeNode("Gather", ["table", "ids"], ["e"]),
      makeNode("LayerNormalization", ["e", "s", "t"], ["n"], { axis: -1 }),
      makeNode("MatMul", ["n", "q"], ["nq"]),
      makeNode("Transpose", ["n"], ["nt"], { perm: [0, 2, 1] }),
      makeNode("MatMul", ["nq", "nt"], ["scores"]),
      makeNode("Softmax", ["scores"], ["a"], { axis: -1 }),
      makeNode("MatMul", ["a", "e"], ["mixed"]),
      makeNode("ReduceMean", ["mixed"], ["pooled"], { axes: [1], keepdims: 0 }),
      makeNode("MatMul", ["pooled", "head"], ["y"]),
    ],
    inputs: { ids: { dims: [2, 3], data: [0, 0, 0, 0, 0, 0], type: DataType.INT64 } },
    initializers: {
      table: parameter(1, [7, 4]),
      s: parameter(2, [4]),
      t: parameter(3, [4]),
      q: parameter(4, [4, 4]),
      head: parameter(5, [4, 3]),
    },
    outputs: ["y"],
    symbols: { ids: ["N", "T"] },
    opset: 17,
  }),
  loss: { type: "crossEntropy", reduction: "sum" },
  optimizer: { ...ADAMW, weightDecay: 0.01, clipNorm: 0.5 },
  batch: (step) => ({
    ids: { dims: [2, 3], data: [step % 7, 1, 2, 3, 6, 5], type: DataType.INT64 },
    labels: labels(2, step % 3),
  }),
};

/** Normalized by its batches; in evaluation by the stored statistics. */
const normalized: Case = { ...cnn, name: "batch normalization in training mode", training: true };

/** Its masks come from a seed that is fed. */
const dropped: Case = {
  name: "dropout",
  model: makeModel({
    nodes: [
      makeNode("Gemm", ["x", "w1"], ["h"]),
      makeNode("Dropout", ["h", "ratio"], ["d"]),
      makeNode("Gemm", ["d", "w2"], ["y"]),
    ],
    inputs: { x: float32(normal(1, [4, 5])) },
    initializers: {
      w1: parameter(1, [5, 8]),
      ratio: float32({ dims: [], data: [0.5] }),
      w2: parameter(3, [8, 3]),
    },
    outputs: ["y"],
    symbols: { x: ["batch", 5] },
    opset: 13,
  }),
  loss: { type: "crossEntropy" },
  training: true,
  batch: (step) => ({ ...mlp.batch(step), dropout_seed: float32({ dims: [], data: [step] }) }),
};

const optionsOf = (
  { loss, trainable, frozen, optimizer, training }: Case,
): GenerateArtifactsOptions => ({
  loss,
  ...(training === undefined ? {} : { training }),
  ...(trainable === undefined ? {} : { trainable }),
  ...(frozen === undefined ? {} : { frozen }),
  ...(optimizer === undefined ? {} : { optimizer }),
});

const STEPS = 6;
const RATE = 0.001;

/** Steps in which two batches add up their gradients. */
const doubled = (step: number) => step === 2 || step === 4;

/** Parameters, moments and the number of steps of a loop by hand. */
interface State {
  readonly parameters: Map<string, number[]>;
  readonly moments: Map<string, [number[], number[]]>;
  step: number;
}

/** One step of AdamW in float64, straight from its definition. */
function adamw(state: State, gradients: ReadonlyMap<string, number[]>, h: AdamWHyperparameters) {
  const t = ++state.step;
  const [c1, c2] = h.correctBias ? [1 - h.alpha ** t, 1 - h.beta ** t] : [1, 1];
  let clip = 1;
  if (h.clipNorm !== undefined) {
    const norm = Math.sqrt([...gradients.values()].flat().reduce((sum, g) => sum + g * g, 0));
    clip = Math.min(1, h.clipNorm / (norm + 1e-6));
  }
  for (const [name, gradient] of gradients) {
    const w = state.parameters.get(name)!;
    const [m, v] = state.moments.get(name)!;
    gradient.forEach((raw, i) => {
      const g = clip * raw;
      m[i] = h.alpha * m[i]! + (1 - h.alpha) * g;
      v[i] = h.beta * v[i]! + (1 - h.beta) * g * g;
      if (h.adamMode === 0) {
        w[i]! -= RATE * h.weightDecay * w[i]!;
        w[i]! -= RATE * (m[i]! / c1) / (Math.sqrt(v[i]! / c2) + h.epsilon);
      } else {
        w[i]! -= RATE * Math.sqrt(c2) / c1 * m[i]! / (Math.sqrt(v[i]!) + h.epsilon);
        w[i]! -= RATE * h.weightDecay * w[i]!;
      }
    });
  }
}

/** Losses of a loop by hand: our gradients in the current build, AdamW in float64. */
async function trainByHand(test: Case): Promise<{ losses: number[]; states: State[] }> {
  const options = {
    loss: test.loss,
    ...(test.trainable === undefined ? {} : { trainable: test.trainable }),
    ...(test.training === undefined ? {} : { training: test.training }),
  };
  const { parameters } = differentiate(test.model, options);
  // Running statistics stay as they are: the artifacts do not update them either.
  const gradient = differentiate(test.model, {
    ...options,
    parameters: "constants",
    fed: parameters,
  });
  const dims = new Map(test.model.graph!.initializer.map((t) => [t.name, t.dims.map(Number)]));
  const state: State = { parameters: new Map(), moments: new Map(), step: 0 };
  for (const tensor of test.model.graph!.initializer) {
    if (!gradient.parameters.includes(tensor.name)) continue;
    const data = Array.from(tensorData(tensor) as Float32Array);
    state.parameters.set(tensor.name, data);
    state.moments.set(tensor.name, [data.map(() => 0), data.map(() => 0)]);
  }
  const session = await openModel(gradient.model);
  const losses: number[] = [];
  const states: State[] = [];
  for (let step = 0; step < STEPS; step++) {
    const sums = new Map<string, number[]>();
    for (let part = 0; part < (doubled(step) ? 2 : 1); part++) {
      const feeds: Record<string, Value> = { ...test.batch(step + 50 * part) };
      for (const [name, data] of state.parameters) {
        feeds[name] = float32({ dims: dims.get(name)!, data });
      }
      const results = await session.run(feeds);
      losses.push(results[gradient.loss]!.data[0]!);
      for (const [name, output] of gradient.gradients) {
        const found = results[output]!.data;
        const sum = sums.get(name);
        sums.set(name, sum === undefined ? found : sum.map((g, i) => g + found[i]!));
      }
    }
    adamw(state, sums, test.optimizer ?? ADAMW);
    states.push(structuredClone(state));
  }
  await session.release();
  return { losses, states };
}

/** Losses of ONNX Runtime's own training from a step on. */
async function trainWith(session: Training, test: Case, from = 0): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < STEPS; step++) {
    for (let part = 0; part < (doubled(step) ? 2 : 1); part++) {
      losses.push(await session.trainStep(test.batch(step + 50 * part)));
    }
    await session.optimizerStep();
    await session.resetGradients();
  }
  return losses;
}

for (const test of [mlp, cnn, attention, normalized, dropped]) {
  Deno.test(`ONNX Runtime 1.19.2 trains ${test.name} as a loop by hand does`, async () => {
    const files = generateArtifacts(test.model, optionsOf(test));
    const session = await openTraining(files);
    const { losses: expected, states } = await trainByHand(test);
    if (test.training !== true) {
      const evaluated = await session.evalStep(test.batch(0));
      compare([evaluated], [expected[0]!], 1e-5, "loss of the evaluation model");
    }
    const losses = await trainWith(session, test);
    compare(losses, expected, 1e-5, "losses");
    assert.ok(new Set(losses).size === losses.length);
    // In the order of the training model's inputs.
    const { trainable } = readArtifacts(files);
    const parameters = states.at(-1)!.parameters;
    const all = trainable.flatMap((name) => parameters.get(name)!);
    compare(await session.parameters(), all, 1e-5, "parameters");
    await session.release();
  });
}

Deno.test("ONNX Runtime 1.19.2 goes on from a checkpoint as if it had not stopped", async () => {
  const files = generateArtifacts(mlp.model, optionsOf(mlp));
  const { losses, states } = await trainByHand(mlp);
  const stop = 3;
  const { parameters, moments, step } = states[stop - 1]!;
  const dims = new Map(mlp.model.graph!.initializer.map((t) => [t.name, t.dims.map(Number)]));
  const tensor = (name: string, of: string, data: readonly number[]) =>
    makeTensor(name, DataType.FLOAT, dims.get(of)!, Float32Array.from(data));
  const checkpoint = writeCheckpoint({
    parameters: [...parameters].map(([name, data]) => tensor(name, name, data)),
    optimizerGroups: [{
      name: "group0",
      step,
      initialLearningRate: RATE,
      momenta: new Map(
        [...moments].map(([name, m]) => [name, m.map((d, k) => tensor(`momentum${k}`, name, d))]),
      ),
    }],
  });
  const session = await openTraining({ ...files, checkpoint });
  const rest = await trainWith(session, mlp, stop);
  compare(rest, losses.slice(-rest.length), 1e-5, "losses after the stop");
  await session.release();
});

Deno.test("the files follow the contract of the official generator", () => {
  const files = generateArtifacts(cnn.model, { ...optionsOf(cnn), extraOutputs: ["y", "p"] });
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  const training = readModel(files.training);
  const trainable = ["k2", "w", "s"];
  const parameters = [...trainable, "k1", "m"];
  assert.deepEqual(names(training.graph!.input), [
    "x",
    "labels",
    ...parameters,
    ...trainable.map(bufferOf),
    RESET,
  ]);
  assert.deepEqual(names(training.graph!.output), ["loss", "y", "p", ...trainable.map(doneOf)]);
  const made = new Set(training.graph!.node.flatMap((node) => node.output));
  for (const name of trainable) assert.ok(made.has(gradientOf(name)));
  const own = training.graph!.node.filter((node) => node.domain !== "");
  assert.deepEqual(own.map((node) => node.opType), Array(3).fill("InPlaceAccumulatorV2"));
  assert.ok(names(training.graph!.initializer).every((name) => !parameters.includes(name)));

  const evaluation = readModel(files.eval);
  assert.deepEqual(names(evaluation.graph!.input), ["x", "labels", ...parameters]);
  assert.deepEqual(names(evaluation.graph!.output), ["loss", "y", "p"]);

  const read = readArtifacts(files);
  assert.deepEqual(read.trainable, trainable);
  assert.deepEqual(read.frozen, ["k1", "m"]);
  assert.deepEqual(read.outputs, ["loss", "y", "p"]);
  const { alpha, ...rest } = cnn.optimizer!;
  assert.deepEqual(read.optimizer, {
    ...rest,
    alpha: Math.fround(alpha),
    beta: Math.fround(0.999),
    epsilon: Math.fround(1e-8),
    weightDecay: Math.fround(0.1),
  });
  const sgd = generateArtifacts(mlp.model, { loss: mlp.loss, optimizer: "sgd" });
  assert.deepEqual(readArtifacts(sgd).optimizer, { type: "sgd" });
  const optimizer = readModel(sgd.optimizer).graph!;
  assert.deepEqual(names(optimizer.input), ["learning_rate", "params", "gradients"]);
});

Deno.test("what readArtifacts() gives of generated files has the same gradients", async () => {
  for (const test of [mlp, cnn, attention]) {
    const { model, loss, trainable } = readArtifacts(
      generateArtifacts(test.model, optionsOf(test)),
    );
    const again = differentiate(model, { output: loss, trainable, parameters: "constants" });
    const first = differentiate(test.model, {
      loss: test.loss,
      trainable,
      parameters: "constants",
    });
    const [actual, expected] = [
      await runModel(again.model, test.batch(0)),
      await runModel(first.model, test.batch(0)),
    ];
    for (const name of trainable) {
      const [a, e] = [again, first].map((d) => d.gradients.get(name)!);
      compare(actual[a!]!.data, expected[e!]!.data, 1e-6, `${test.name}: ${name}`);
    }
  }
});

Deno.test("gradients of generated files are those of the intermediates in 1.19.2", async () => {
  const files = generateArtifacts(mlp.model, optionsOf(mlp));
  const { checkpoint, trainable } = readArtifacts(files);
  const official = readModel(files.training);
  const feeds: Record<string, Value> = {
    ...mlp.batch(0),
    [RESET]: { dims: [1], data: [1], type: DataType.BOOL },
  };
  for (const tensor of checkpoint.parameters) {
    const data = Array.from(tensorData(tensor) as Float32Array);
    const dims = tensor.dims.map(Number);
    feeds[tensor.name] = float32({ dims, data });
    feeds[bufferOf(tensor.name)] = float32({ dims, data: data.map(() => 0) });
    official.graph!.output.push({ ...official.graph!.output[0]!, name: gradientOf(tensor.name) });
  }
  for (const output of official.graph!.output.slice(1)) {
    if (output.name.endsWith("_grad")) delete (output as { type?: unknown }).type;
  }
  const actual = await runModel(official, feeds, await oracleOrt());
  const expected = await runModel(
    differentiate(mlp.model, { loss: mlp.loss, parameters: "constants" }).model,
    mlp.batch(0),
  );
  for (const name of trainable) {
    compare(actual[gradientOf(name)]!.data, expected[gradientOf(name)]!.data, 1e-5, name);
  }
});

Deno.test("exportInferenceModel() puts trained parameters into the model", async () => {
  const { states } = await trainByHand(mlp);
  const dims = new Map(mlp.model.graph!.initializer.map((t) => [t.name, t.dims.map(Number)]));
  const trained = [...states.at(-1)!.parameters].map(([name, data]) =>
    makeTensor(name, DataType.FLOAT, dims.get(name)!, Float32Array.from(data))
  );
  const x = mlp.batch(0)["x"]!;
  const before = mlp.model.graph!.initializer.map((t) => t.rawData);
  const exported = exportInferenceModel(mlp.model, trained);
  assert.deepEqual(mlp.model.graph!.initializer.map((t) => t.rawData), before);
  const expected = await runModel(exported, { x });
  const start = await runModel(mlp.model, { x });
  assert.notDeepEqual(start["y"]!.data, expected["y"]!.data);
  // The evaluation model gives the same, without its loss and labels.
  const evaluation = readModel(generateArtifacts(mlp.model, optionsOf(mlp)).eval);
  const cut = exportInferenceModel(evaluation, trained, { outputs: ["y"] });
  assert.deepEqual(cut.graph!.input.map((i) => i.name), ["x"]);
  assert.deepEqual(await runModel(cut, { x }), expected);

  const [w1] = trained;
  assert.throws(
    () => exportInferenceModel(mlp.model, [{ ...w1!, name: "w9" }]),
    /it has no parameter "w9"/,
  );
  assert.throws(
    () => exportInferenceModel(mlp.model, [{ ...w1!, name: "b1" }]),
    /parameter "b1" is FLOAT \[6,5\], the model's is FLOAT \[6\]/,
  );
  assert.throws(
    () => exportInferenceModel(mlp.model, trained, { outputs: ["z"] }),
    /nothing makes "z"/,
  );
});

Deno.test("generateArtifacts() refuses what ONNX Runtime's training could not take", () => {
  const generate = (model: ModelProto, options: Partial<GenerateArtifactsOptions>) => () =>
    generateArtifacts(model, { loss: { type: "mse" }, ...options });
  const doubles = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
    inputs: { x: normal(1, [2, 3]) },
    initializers: { w: normal(2, [3, 2]) },
    outputs: ["y"],
  });
  assert.throws(generate(doubles, {}), /parameter "w": expected FLOAT, .* actual is DOUBLE/);
  assert.throws(generate(mlp.model, { frozen: ["u"] }), /"u": the model has no initializer/);
  assert.throws(generate(mlp.model, { frozen: ["w1"] }), /parameter "w1": it is given twice/);
  const newer = { ...mlp.model, opsetImport: mlp.model.opsetImport.map((o) => ({ ...o })) };
  newer.opsetImport[0]!.version = 22n;
  assert.throws(
    generate(newer, {}),
    /for operator set 22: ONNX Runtime's last training build knows 21 at most/,
  );
  const taken = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"]), makeNode("Neg", ["y"], ["w_grad"])],
    inputs: { x: float32(normal(1, [2, 3])) },
    initializers: { w: parameter(2, [3, 2]) },
    outputs: ["y", "w_grad"],
  });
  assert.throws(generate(taken, {}), /the model already has a value "w_grad"/);
});

import {
  buildModel,
  generateArtifacts,
  type GeneratedArtifacts,
  readArtifacts,
  readCheckpoint,
  tensorData,
  writeCheckpoint,
} from "@precond/onnx";
import { digitsCnn, multilayerPerceptron, random } from "@precond/testing";
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { naturalSnr } from "@precond/core";
import { nodeOrt as node, openOracle } from "../scenarios/builds.ts";
import type { Feeds, Ort, Tensor } from "../hosts/ort.ts";
import { createTrainingSession, type TrainingSession } from "./training_session.ts";

/** The methods that both the real session and ours have. */
type Common = Pick<
  TrainingSession,
  | "runTrainStep"
  | "runOptimizerStep"
  | "lazyResetGrad"
  | "runEvalStep"
  | "getParametersSize"
  | "getContiguousParameters"
  | "loadParametersBuffer"
  | "trainingInputNames"
  | "trainingOutputNames"
  | "evalInputNames"
  | "evalOutputNames"
>;

interface Oracle {
  readonly Tensor: Ort["Tensor"];
  readonly TrainingSession: {
    create(files: Record<string, Uint8Array>, options?: object): Promise<Common>;
  };
}

interface Case {
  readonly name: string;
  readonly files: GeneratedArtifacts;
  /** Shapes of the inputs; labels are below `classes`. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly labels: { readonly name: string; readonly type: "int64" | "int32" };
  readonly classes: number;
  /** Largest value of the inputs: large losses of senseless inputs amplify rounding. Default 1. */
  readonly scale?: number;
}

const fixtures = fileURLToPath(new URL("../../../../shared/fixtures/", import.meta.url));

function fixture(
  folder: string,
  inputs: Case["inputs"],
  rest: {
    type: "int64" | "int32";
    classes: number;
    checkpoint?: string;
    optimizer?: string;
    scale?: number;
  },
): Case[] {
  if (!existsSync(fixtures)) return [];
  const { checkpoint = "checkpoint", optimizer = "optimizer_model.onnx" } = rest;
  const read = (file: string) => new Uint8Array(readFileSync(join(fixtures, folder, file)));
  return [{
    name: folder,
    files: {
      training: read("training_model.onnx"),
      eval: read("eval_model.onnx"),
      optimizer: read(optimizer),
      checkpoint: read(checkpoint),
    },
    inputs,
    labels: { name: "labels", type: rest.type },
    classes: rest.classes,
    scale: rest.scale ?? 1,
  }];
}

function generated(): Case[] {
  const mlp = buildModel();
  multilayerPerceptron(mlp, [12, 16, 4]);
  const cnn = buildModel();
  digitsCnn(cnn);
  const loss = { type: "crossEntropy" } as const;
  const labels = { name: "labels", type: "int64" } as const;
  return [
    {
      name: "an MLP of ours",
      files: generateArtifacts(mlp.build(), { loss, extraOutputs: ["logits"] }),
      inputs: { x: [8, 12], labels: [8] },
      labels,
      classes: 4,
    },
    {
      name: "a CNN of ours with a frozen layer",
      files: generateArtifacts(cnn.build(), {
        loss,
        trainable: ["conv2.w", "conv2.b", "dense.w", "dense.b"],
        frozen: ["conv1.w", "conv1.b"],
      }),
      inputs: { x: [4, 1, 28, 28], labels: [4] },
      labels,
      classes: 10,
    },
  ];
}

const cases: readonly Case[] = [
  ...generated(),
  ...fixture("ort-training-api", { "input-0": [2, 784], labels: [2] }, {
    type: "int32",
    classes: 10,
    checkpoint: "checkpoint.ckpt",
    optimizer: "adamw.onnx",
  }),
  ...fixture("mnist-web-demo", { input: [8, 784], labels: [8] }, { type: "int64", classes: 10 }),
  ...fixture("seizure-head", { input: [4, 18, 1024], labels: [4] }, {
    type: "int64",
    classes: 2,
    scale: 0.01,
  }),
];

/** The batch of one step, the same for every session; in the order of the training model's inputs. */
function batch(test: Case, step: number, TensorOf: Ort["Tensor"]): Record<string, Tensor> {
  const source = random(100 + step);
  return Object.fromEntries(
    Object.entries(test.inputs).map(([name, dims]) => {
      const size = dims.reduce((a, b) => a * b, 1);
      if (name === test.labels.name) {
        const values = Array.from({ length: size }, () => source.integer(test.classes));
        const data = test.labels.type === "int64"
          ? BigInt64Array.from(values, BigInt)
          : Int32Array.from(values);
        return [name, new TensorOf(test.labels.type, data, dims)];
      }
      const data = Float32Array.from({ length: size }, () => (test.scale ?? 1) * source.uniform());
      return [name, new TensorOf("float32", data, dims)];
    }),
  );
}

const asFiles = ({ training, eval: evaluation, optimizer, checkpoint }: GeneratedArtifacts) => ({
  trainModel: training,
  evalModel: evaluation,
  optimizerModel: optimizer,
  checkpointState: checkpoint,
});

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, scale = 1) {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(
      error <= 1e-4 * Math.max(scale, Math.abs(expected[i]!)), // also refuses NaN
      `${what}[${i}] is ${actual[i]}, expected ${expected[i]}`,
    );
  }
}

const lossOf = (results: Readonly<Record<string, Tensor>>, session: Common) =>
  (results[session.trainingOutputNames[0]!]!.data as Float32Array)[0]!;

/** Parameters by name: each session has an order of its own. */
async function parametersOf(
  session: Common,
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Promise<Map<string, Float32Array>> {
  const flat = (await session.getContiguousParameters(true)).data as Float32Array;
  let at = 0;
  return new Map(names.map((name) => {
    const size = sizes.get(name)!;
    at += size;
    return [name, flat.slice(at - size, at)];
  }));
}

/** The order in which the oracle has its parameters, found by their initial values. */
async function orderOf(
  session: Common,
  initial: ReadonlyMap<string, Float32Array>,
): Promise<string[]> {
  const flat = (await session.getContiguousParameters(true)).data as Float32Array;
  const left = new Map(initial);
  const order: string[] = [];
  for (let at = 0; at < flat.length;) {
    const found = [...left].find(([, values]) => values.every((v, i) => flat[at + i] === v));
    assert.ok(found, `no parameter has the values at ${at}`);
    order.push(found[0]);
    left.delete(found[0]);
    at += found[1].length;
  }
  return order;
}

async function compareRuns(test: Case, ort: Ort) {
  const oracle: Oracle = await openOracle();
  // 1.19.2 does not read checkpoints of version 1 itself.
  const checkpointOfNow = writeCheckpoint(readCheckpoint(test.files.checkpoint));
  const real = await oracle.TrainingSession.create({
    ...asFiles(test.files),
    checkpointState: checkpointOfNow,
  });
  const ours = await createTrainingSession(ort, asFiles(test.files));
  const { trainable, checkpoint } = readArtifacts(test.files);
  const initial = new Map(
    checkpoint.parameters.filter((t) => trainable.includes(t.name))
      .map((t) => [t.name, (tensorData(t) as Float32Array).slice()]),
  );
  const sizes = new Map([...initial].map(([name, values]) => [name, values.length]));
  const order = await orderOf(real, initial);

  assert.deepEqual([...ours.trainingInputNames], [...real.trainingInputNames]);
  assert.deepEqual([...ours.trainingOutputNames], [...real.trainingOutputNames]);
  assert.deepEqual([...ours.evalInputNames], [...real.evalInputNames]);
  assert.deepEqual([...ours.evalOutputNames], [...real.evalOutputNames]);
  assert.equal(await ours.getParametersSize(true), await real.getParametersSize(true));
  assert.equal(await ours.getParametersSize(false), await real.getParametersSize(false));

  for (let step = 0; step < 20; step++) {
    // Every fifth update adds up two batches.
    for (let part = 0; part < (step % 5 === 4 ? 2 : 1); part++) {
      const expected = await real.runTrainStep(batch(test, 50 * part + step, oracle.Tensor));
      const actual = await ours.runTrainStep(batch(test, 50 * part + step, ort.Tensor));
      assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
      for (const [name, tensor] of Object.entries(expected)) {
        assert.deepEqual([...actual[name]!.dims], [...tensor.dims], name);
        close(
          actual[name]!.data as Float32Array,
          tensor.data as Float32Array,
          `${test.name}, step ${step}, ${name}`,
        );
      }
    }
    await real.runOptimizerStep();
    await ours.runOptimizerStep();
    await real.lazyResetGrad();
    await ours.lazyResetGrad();
  }
  const expected = await parametersOf(real, order, sizes);
  const actual = await parametersOf(ours, ours.parameterNames, sizes);
  for (const [name, values] of expected) {
    close(actual.get(name)!, values, `${test.name}: "${name}" after 20 steps`, 1);
    assert.ok(values.some((v, i) => v !== initial.get(name)![i]), `"${name}" was trained`);
  }
  const evaluated = await ours.runEvalStep(batch(test, 999, ort.Tensor));
  const really = await real.runEvalStep(batch(test, 999, oracle.Tensor));
  for (const [name, tensor] of Object.entries(really)) {
    close(
      evaluated[name]!.data as Float32Array,
      tensor.data as Float32Array,
      `${test.name}: ${name} of the evaluation`,
    );
  }
  await ours.release();
}

Deno.test("TrainingSession on onnxruntime-node does what that of 1.19.2 does", async (t) => {
  for (const test of cases) await t.step(test.name, () => compareRuns(test, node));
});

Deno.test("TrainingSession on onnxruntime-web does what that of 1.19.2 does", async (t) => {
  const web = await import("onnxruntime-web") as unknown as Ort;
  for (const test of cases) await t.step(test.name, () => compareRuns(test, web));
});

const mlp = cases[0]!;
const open = (options = {}) => createTrainingSession(node, asFiles(mlp.files), options);
const flat = async (
  s: TrainingSession,
) => [...(await s.getContiguousParameters(true)).data as Float32Array];

Deno.test("runOptimizerStep() keeps the gradient until lazyResetGrad(), as it did", async () => {
  const kept = await open();
  await kept.runTrainStep(batch(mlp, 0, node.Tensor));
  const gradient = await kept.getGradient("w1");
  await kept.runOptimizerStep();
  assert.deepEqual(await kept.getGradient("w1"), gradient);
  await kept.runTrainStep(batch(mlp, 0, node.Tensor));
  const more = await kept.getGradient("w1");
  await kept.lazyResetGrad();
  await kept.runTrainStep(batch(mlp, 0, node.Tensor));
  const alone = await kept.getGradient("w1");
  // The same batch at the same parameters: what was added before is the first gradient.
  close(more.map((g, i) => g - gradient[i]!), alone, "gradient of the second run");
  await kept.release();
});

Deno.test("Only the outputs that are fetched come back", async () => {
  const session = await open();
  const feeds = batch(mlp, 0, node.Tensor);
  assert.deepEqual(Object.keys(await session.runTrainStep(feeds, ["logits"])), ["logits"]);
  assert.deepEqual(Object.keys(await session.runTrainStep(feeds, { loss: null })), ["loss"]);
  assert.deepEqual(Object.keys(await session.runTrainStep(feeds, {})), ["loss", "logits"]);
  const before = await session.getGradient("w1");
  await assert.rejects(session.runTrainStep(feeds, ["q"]), {
    message: 'Cannot fetch "q": outputs are loss, logits',
  });
  assert.deepEqual(await session.getGradient("w1"), before);
  assert.deepEqual(Object.keys(await session.runEvalStep(feeds, ["logits"])), ["logits"]);
  await assert.rejects(session.runEvalStep(feeds, ["q"]), /Cannot fetch "q"/);
  await session.release();
});

Deno.test("Parameters can be loaded, all of them or the trained ones, and wrong sizes change nothing", async () => {
  const session = await createTrainingSession(node, asFiles(cases[1]!.files));
  const trained = await session.getParametersSize(true);
  const all = await session.getParametersSize(false);
  assert.equal(all - trained, 8 * 25 + 8);
  const before = await flat(session);
  for (const bytes of [8, 13, 4 * all]) {
    await assert.rejects(
      session.loadParametersBuffer(new Uint8Array(bytes), true),
      /Cannot load the parameters: expected \d+ bytes, given are/,
    );
  }
  assert.deepEqual(await flat(session), before);
  const values = Float32Array.from({ length: all }, (_, i) => i / all);
  await session.loadParametersBuffer(new Uint8Array(values.buffer), false);
  assert.deepEqual((await session.getContiguousParameters(false)).data, values);
  await session.loadParametersBuffer(new Uint8Array(Float32Array.from(before).buffer), true);
  assert.deepEqual(await flat(session), before);
  await session.release();
});

Deno.test("What the removed session never had: rate, gradient, optimizer, export", async () => {
  const session = await open({ optimizer: naturalSnr({ learningRate: 0.1, curvatureWarmup: 1 }) });
  const before = await flat(session);
  session.learningRate = 0;
  await session.runTrainStep(batch(mlp, 0, node.Tensor));
  await session.runOptimizerStep();
  assert.deepEqual(await flat(session), before);
  session.learningRate = undefined;
  await session.runOptimizerStep();
  assert.notDeepEqual(await flat(session), before);
  const exported = await node.InferenceSession.create(await session.exportModel());
  const feeds = batch(mlp, 5, node.Tensor);
  const { logits } = await exported.run({ x: feeds["x"]! });
  const expected = await session.runEvalStep(feeds);
  assert.deepEqual(logits!.data, expected["logits"]!.data);
  await exported.release();
  await session.release();
});

Deno.test("Missing models, feeds and sessions are errors that say what to do", async () => {
  const session = await createTrainingSession(node, {
    trainModel: mlp.files.training,
    checkpointState: mlp.files.checkpoint,
  });
  const feeds: Feeds = batch(mlp, 0, node.Tensor);
  await assert.rejects(session.runEvalStep(feeds), /give an evalModel/);
  await session.runTrainStep(feeds);
  await assert.rejects(session.runOptimizerStep(), /give an optimizerModel/);
  await assert.rejects(session.runTrainStep({ x: feeds["x"]! }), /missing "labels"/);
  await session.release();
  await assert.rejects(session.runTrainStep(feeds), /it is released/);
  await assert.rejects(
    createTrainingSession(node, { trainModel: mlp.files.training, checkpointState: 5 as never }),
    /expected an address or a Uint8Array, given is Number/,
  );
  // As in the documentation, but there is no page that the address could be relative to.
  await assert.rejects(
    createTrainingSession(node, {
      trainModel: "training_model.onnx",
      checkpointState: mlp.files.checkpoint,
    }),
    /Cannot fetch "training_model.onnx": .*; outside of a page give the file's contents/,
  );
});

Deno.test("The loss of a step is a scalar tensor", async () => {
  const session = await open();
  const results = await session.runTrainStep(batch(mlp, 0, node.Tensor));
  assert.ok(lossOf(results, session) > 0);
  await session.release();
});

/**
 * `deno run -A bench/wasm_training.ts`: training steps on tfjs's wasm backend with
 * `@precond/tfjs/wasm_training`, beside those on its cpu backend, in turns.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@precond/tfjs/wasm_training";
import * as tfl from "@tensorflow/tfjs-layers";
import Table from "cli-table3";
import { command, parseArguments, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { median } from "./statistics.ts";

const { layers } = tfl;

/** A model with one batch. */
interface Network {
  readonly model: () => tfl.LayersModel;
  readonly batch: () => [x: tf.Tensor, y: tf.Tensor];
}

const classes = (batch: number) =>
  tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % 10), "int32"), 10);
const noise = (shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", 1);
const glorot = (seed: number) => tfl.initializers.glorotUniform({ seed });
const convolution = (filters: number, seed: number, more: object = {}) =>
  layers.conv2d({
    ...{ filters, kernelSize: 5, padding: "same", activation: "relu" },
    kernelInitializer: glorot(seed),
    ...more,
  });
const separable = (filters: number, strides: number, seed: number) =>
  layers.separableConv2d({
    ...{ filters, kernelSize: 3, strides, padding: "same", activation: "relu" },
    depthwiseInitializer: glorot(seed),
    pointwiseInitializer: glorot(seed + 1),
  });
const output = (seed: number) =>
  layers.dense({ units: 10, activation: "softmax", kernelInitializer: glorot(seed) });

const networks: Readonly<Record<string, Network>> = {
  "LeNet, batch 64": {
    model: () =>
      tfl.sequential({
        layers: [
          convolution(8, 1, { inputShape: [28, 28, 1] }),
          layers.maxPooling2d({ poolSize: 2 }),
          convolution(16, 2),
          layers.maxPooling2d({ poolSize: 2 }),
          ...[layers.flatten(), output(3)],
        ],
      }),
    batch: () => [noise([64, 28, 28, 1]), classes(64)],
  },
  "depthwise net, batch 32": {
    model: () =>
      tfl.sequential({
        layers: [
          convolution(16, 1, { inputShape: [32, 32, 3], kernelSize: 3 }),
          separable(32, 2, 2),
          separable(32, 1, 4),
          separable(64, 2, 6),
          layers.globalAveragePooling2d({}),
          output(8),
        ],
      }),
    batch: () => [noise([32, 32, 32, 3]), classes(32)],
  },
  "embedding and LSTM, batch 32": {
    model: () =>
      tfl.sequential({
        layers: [
          layers.embedding({ inputDim: 2000, outputDim: 32, inputLength: 40 }),
          layers.lstm({
            units: 64,
            kernelInitializer: glorot(1),
            recurrentInitializer: glorot(2),
          }),
          output(3),
        ],
      }),
    batch: () => {
      const words = Array.from({ length: 32 * 40 }, (_, i) => (i * 7919) % 2000);
      return [tf.tensor(words, [32, 40]), classes(32)];
    },
  },
};

/** A model on a backend, ready for steps. */
async function prepared(backend: string, network: Network): Promise<() => Promise<number>> {
  await tf.setBackend(backend);
  const model = network.model(), [x, y] = network.batch();
  model.compile({ optimizer: tf.train.adam(1e-3), loss: "categoricalCrossentropy" });
  return async () => {
    await tf.setBackend(backend);
    const start = performance.now();
    await model.trainOnBatch(x, y);
    return performance.now() - start;
  };
}

interface Row {
  readonly network: string;
  /** Medians. */
  readonly wasm_ms: number;
  readonly cpu_ms: number;
  readonly cpu_over_wasm: number;
  readonly wasm_steps: number;
  readonly cpu_steps: number;
}

async function measure(name: string, samples: number, cpuSteps: number): Promise<Row> {
  const network = networks[name]!;
  const wasm = await prepared("wasm", network), cpu = await prepared("cpu", network);
  for (let i = 0; i < 3; i++) await wasm(); // compiles
  const ours: number[] = [], theirs: number[] = [];
  for (let i = 0; i < cpuSteps; i++) {
    for (let k = 0; k < samples; k++) ours.push(await wasm());
    theirs.push(await cpu());
  }
  const [wasm_ms, cpu_ms] = [median(ours), median(theirs)];
  return {
    network: name,
    ...{ wasm_ms, cpu_ms, cpu_over_wasm: cpu_ms / wasm_ms },
    ...{ wasm_steps: ours.length, cpu_steps: theirs.length },
  };
}

async function wasmTraining(args: readonly string[]): Promise<void> {
  const program = command("wasm_training", "Times training steps on wasm beside the cpu backend.")
    .addOption(samplesOption(10))
    .option("--json <file>", "where to write the rows");
  parseArguments(program, args);
  const { samples, json } = program.opts<{ samples: number; json?: string }>();
  const rows: Row[] = [];
  for (const name of Object.keys(networks)) rows.push(await measure(name, samples, 2));
  const table = new Table({ head: ["network", "wasm, ms", "cpu, ms", "cpu / wasm"] });
  for (const row of rows) {
    table.push([row.network, number(row.wasm_ms), number(row.cpu_ms), number(row.cpu_over_wasm)]);
  }
  console.log(table.toString());
  await writeRows(json, rows, { program: "wasm_training", args });
}

if (import.meta.main) Deno.exit(await exitCode(() => wasmTraining(Deno.args)));

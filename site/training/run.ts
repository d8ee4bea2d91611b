import { classification, type TelemetryReport } from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import type { Examples, Task } from "../data/examples.ts";
import { makeRandom } from "../data/random.ts";
import { makeStepper } from "./contenders.ts";
import type { ContenderName } from "./lineup.ts";
import { type LayerMap, mapsOf } from "./maps.ts";
import { makeNetwork, type Network } from "./network.ts";

/** What a run is made of. */
export interface RunOptions {
  readonly task: Task;
  readonly contender: ContenderName;
  readonly rate: number;
  readonly hidden: number;
  readonly batchSize: number;
  /** Of the weights at the start and of the order of the examples. */
  readonly seed: number;
  /** Whether something looks on, for the maps; tuning runs do without. */
  readonly observed: boolean;
}

/** Means over a set. */
export interface Score {
  readonly loss: number;
  /** Fraction of the examples whose class is found. */
  readonly accuracy: number;
}

/** What is seen of the noise in the gradients; see the telemetry of the optimizers. */
export interface Noise {
  readonly layers: readonly LayerMap[];
  /** The batch size at which noise equals signal; infinite if no signal is seen. */
  readonly noiseScale?: number;
}

/** A training run on the active backend. */
export interface Run {
  readonly steps: number;
  step(count: number): void;
  score(set: "train" | "validation" | "test"): Promise<Score>;
  /** Probabilities of the classes at every point of the task's grid: [points, classes]. */
  decisions(): Promise<Float32Array<ArrayBuffer>>;
  noise(): Promise<Noise>;
  dispose(): void;
}

/** Batches that go through all examples in a drawn order, then in another. */
function* batches(
  { inputs, labels }: Examples,
  { width, size, seed }: { readonly width: number; readonly size: number; readonly seed: number },
): Generator<[x: tf.Tensor2D, y: tf.Tensor1D], never> {
  const random = makeRandom(100 + seed);
  let order: number[] = [];
  for (;;) {
    const chosen: number[] = [];
    while (chosen.length < size) {
      if (order.length === 0) order = random.order(labels.length);
      chosen.push(order.pop()!);
    }
    const rows = new Float32Array(size * width);
    chosen.forEach((i, k) => rows.set(inputs.subarray(i * width, (i + 1) * width), k * width));
    yield [
      tf.tensor2d(rows, [size, width]),
      tf.tensor1d(Int32Array.from(chosen, (i) => labels[i]!), "int32"),
    ];
  }
}

async function scoreOf(network: Network, [x, y]: readonly tf.Tensor[]): Promise<Score> {
  const both = tf.tidy(() => {
    const z = network.logits(x!);
    const right = tf.equal(tf.argMax(z, 1), y!);
    const loss = classification(() => z, y!)();
    return tf.stack([loss, tf.mean(tf.cast(right, "float32"))]);
  });
  // Never dataSync(): webgpu has none.
  const [loss, accuracy] = await both.data();
  both.dispose();
  return { loss: loss!, accuracy: accuracy! };
}

/** Starts a run. */
export function makeRun(options: RunOptions): Run {
  const { task, contender, rate, hidden, batchSize, seed, observed } = options;
  const { width, classes } = task;
  const network = makeNetwork([width, hidden, classes], seed);
  const { variables } = network;
  const size = Math.min(batchSize, task.train.labels.length);
  const stepper = makeStepper(contender, { rate, variables, observed, batchSize: size });
  const source = batches(task.train, { width, size, seed });
  const upload = ({ inputs, labels }: Examples) =>
    [tf.tensor2d(inputs, [labels.length, width]), tf.tensor1d(labels, "int32")] as const;
  const sets = {
    train: upload(task.train),
    validation: upload(task.validation),
    test: upload(task.test),
  };
  const grid = task.grid && tf.tensor2d(task.grid, [task.grid.length / width, width]);
  let report: TelemetryReport | undefined;
  stepper.observer?.telemetry({ every: 20, onReport: (found) => report = found });
  let steps = 0;
  return {
    get steps() {
      return steps;
    },
    step(count) {
      for (let i = 0; i < count; i++) {
        const [x, y] = source.next().value;
        stepper.step(classification(() => network.logits(x), y));
        tf.dispose([x, y]);
        steps++;
      }
    },
    score: (set) => scoreOf(network, sets[set]),
    async decisions() {
      if (!grid) return new Float32Array();
      const values = tf.tidy(() => tf.softmax(network.logits(grid)));
      const result = await values.data<"float32">();
      values.dispose();
      return Float32Array.from(result);
    },
    async noise() {
      const layers = stepper.observer && steps > 0
        ? await mapsOf(stepper.observer, network.layers)
        : [];
      return { layers, ...(report ? { noiseScale: report.noiseScale } : {}) };
    },
    dispose() {
      stepper.dispose();
      network.dispose();
      tf.dispose([...Object.values(sets).flat(), ...(grid ? [grid] : [])]);
    },
  };
}

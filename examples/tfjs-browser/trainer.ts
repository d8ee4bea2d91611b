import { binary, precond, type TelemetryReport } from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { fractionsOf, type Moments, rhoAfter } from "./fractions.ts";
import { makeGrid } from "./grid.ts";
import type { Method } from "./methods.ts";
import { makeNetwork } from "./network.ts";
import { makeSpirals, type Points, uniformSource } from "./spirals.ts";
import { decay, watcher } from "./watched.ts";

const size = 200, batchSize = 16;
/** Updates from one report of the telemetry to the next: as often as the map is drawn. */
const reportEvery = 50;

/** T of a layer. */
export interface LayerFractions {
  readonly name: string;
  /** [inputs, outputs], row after row. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  /** T of its gradient as a whole, by telemetry: Σ signal over Σ (signal + noise). */
  readonly whole?: number;
}

/** Losses are means over all points; those of the test know the right labels. */
export interface Losses {
  readonly train: number;
  readonly test: number;
  /** Fraction of the test that is classified rightly. */
  readonly accuracy: number;
}

/** A training run on the active backend. */
export interface Trainer {
  readonly train: Points;
  readonly iteration: number;
  step(count: number): void;
  losses(): Promise<Losses>;
  /** The probability of label 1 over [−1, 1]², row after row from the top. */
  decisions(): Promise<Float32Array>;
  /** T by layer, and the gradient noise scale, once known, with the most that can be seen of it. */
  noise(): Promise<{ layers: LayerFractions[]; scale?: number; most: number }>;
  /** Goes on with the same run on another backend. */
  move(backend: string): Promise<void>;
  dispose(): void;
}

/** What {@linkcode makeTrainer} takes. */
export interface TrainerOptions {
  readonly method: Method;
  readonly rate: number;
  /** The fraction of the training labels that are wrong. */
  readonly flipped: number;
}

/** Makes a backend the active one; tfjs itself may only say false. */
export async function startBackend(backend: string): Promise<void> {
  const before = tf.getBackend();
  const started = await tf.setBackend(backend).catch(() => false);
  if (started && tf.getBackend() === backend) return;
  await tf.setBackend(before);
  throw new Error(`Cannot start ${backend}: this browser or machine does not have it`);
}

/** T of several variables together. */
function wholeFraction({ variables }: TelemetryReport, names: readonly string[]): number {
  const reports = names.map((name) => variables[name]!);
  const signal = Math.max(0, reports.reduce((sum, r) => sum + r.signal, 0));
  const noise = reports.reduce((sum, r) => sum + r.noise, 0);
  return signal > 0 ? signal / (signal + noise) : 0;
}

export function makeTrainer({ method, rate, flipped }: TrainerOptions): Trainer {
  const train = makeSpirals(size, { seed: 5, flipped }), test = makeSpirals(1000, { seed: 77 });
  const rows = (xy: Float32Array) => tf.tensor2d(xy, [xy.length / 2, 2]);
  const upload = () => [train, test].map((p) => [rows(p.xy), tf.tensor1d(p.labels)] as const);
  const uniform = uniformSource(9); // every optimizer gets the same batches
  const grid = makeGrid();
  let network = makeNetwork();
  let report: TelemetryReport | undefined;
  const makeOptimizer = () => {
    const made = precond(method.make(rate), { batchSize });
    made.telemetry({ every: reportEvery, onReport: (r) => report = r });
    return made;
  };
  let optimizer = makeOptimizer();
  let sets = upload();
  const dispose = () => {
    network.dispose();
    optimizer.dispose();
    tf.dispose(sets.flat());
  };
  const moments = async (variable: string): Promise<Moments> => {
    const slots = ["m", "d"].map((slot) => optimizer.slot(variable, `${watcher}.${slot}`));
    const [m, d] = await Promise.all(slots);
    return { m: m!, d: d! };
  };
  return {
    train,
    get iteration() {
      return optimizer.iterations;
    },
    step(count) {
      for (let i = 0; i < count; i++) {
        const chosen = Array.from({ length: batchSize }, () => Math.floor(size * uniform()));
        const x = rows(
          Float32Array.from(chosen.flatMap((k) => [...train.xy.slice(2 * k, 2 * k + 2)])),
        );
        const y = tf.tensor1d(chosen.map((k) => train.labels[k]!));
        // The mean cross-entropy of logits and labels.
        optimizer.minimize(binary(() => network.logits(x), y));
        tf.dispose([x, y]);
      }
    },
    async losses() {
      const values = tf.tidy(() =>
        tf.concat(sets.flatMap(([x, y]) => {
          const z = network.logits(x);
          const right = tf.equal(tf.greater(z, 0), tf.greater(y, 0.5));
          const losses = tf.sub(tf.softplus(z), tf.mul(y, z));
          return [
            tf.reshape(tf.mean(losses), [1]),
            tf.reshape(tf.mean(tf.cast(right, "float32")), [1]),
          ];
        }))
      );
      // Never dataSync(): webgpu has none.
      const [trainLoss, , testLoss, accuracy] = await values.data();
      values.dispose();
      return { train: trainLoss!, test: testLoss!, accuracy: accuracy! };
    },
    async decisions() {
      const values = tf.tidy(() => tf.sigmoid(network.logits(rows(grid))));
      const result = await values.data<"float32">();
      values.dispose();
      return result;
    },
    async noise() {
      const rho = rhoAfter(optimizer.iterations, decay);
      const T = await Promise.all(
        network.variables.map(async ({ name }) => fractionsOf(await moments(name), rho)),
      );
      const layers = network.layers.map(({ name, kernel, bias }, k) => {
        const whole = report && wholeFraction(report, [kernel.name, bias.name]);
        const fractions = { name, kernel: T[2 * k]!, bias: T[2 * k + 1]! };
        return whole === undefined ? fractions : { ...fractions, whole };
      });
      const most = batchSize / rho;
      // A signal below ρΣσ² cannot be told from none.
      return { layers, most, ...(report ? { scale: Math.min(report.noiseScale, most) } : {}) };
    },
    async move(backend) {
      const state = optimizer.iterations > 0 ? await optimizer.save() : undefined;
      const values = await Promise.all(
        network.variables.map(async (v) => [v.name, await v.data<"float32">()] as const),
      );
      // What lies on a backend is disposed while it is the active one.
      dispose();
      try {
        await startBackend(backend);
      } finally {
        network = makeNetwork(Object.fromEntries(values));
        optimizer = makeOptimizer();
        if (state) optimizer.load(state);
        sets = upload();
      }
    },
    dispose,
  };
}

/**
 * Ordinary tasks on generated data, for optimizers without options, and the aliases to try on them.
 *
 * @module
 */
import * as core from "@precond/core";
import type { Definition } from "@precond/core";
import { type Random, random } from "./random.ts";

/** Examples of each task. */
export const taskExamples = 96;

/** Data of a task: the adapters have its networks. */
export interface TaskData {
  /** What the loss is: of class labels as one-hot rows, or of numbers, mean over all elements. */
  readonly loss: "categoricalCrossentropy" | "meanSquaredError";
  /** Whether the inputs are numbers and not tokens. */
  readonly scales: boolean;
  /** True if a constant prediction cannot be reached in so few steps that are bounded. */
  readonly far: boolean;
  /** Shape of an example. */
  readonly shape: readonly number[];
  /** Rows of inputs and targets. */
  draw(seed: number): { readonly x: number[][]; readonly y: number[][] };
}

const normals = (n: number, { normal }: Random) => Array.from({ length: n }, () => normal());
const oneHot = (label: number, classes: number) =>
  Array.from({ length: classes }, (_, c) => c === label ? 1 : 0);

function task(
  loss: TaskData["loss"],
  shape: readonly number[],
  example: (source: Random) => [x: number[], y: number[]],
  { scales = true, far = false } = {},
): TaskData {
  return {
    loss,
    scales,
    far,
    shape,
    draw(seed) {
      const source = random(seed);
      const rows = Array.from({ length: taskExamples }, () => example(source));
      return { x: rows.map(([x]) => x), y: rows.map(([, y]) => y) };
    },
  };
}

/** A bar across, a bar down or none, in noise: 8 by 8 pixels and the class. */
export function barsExample(source: Random): [x: number[], label: number] {
  const label = source.integer(3), at = 1 + source.integer(6);
  const lit = (i: number) => (label === 0 ? i >> 3 : label === 1 ? i & 7 : -1) === at;
  return [normals(64, source).map((v, i) => v / 5 + (lit(i) ? 2 : 0)), label];
}

/** Three tokens of six; the class is that of the first. */
export function tokensExample({ integer }: Random): [x: number[], label: number] {
  const tokens = Array.from({ length: 3 }, () => integer(6));
  return [tokens, tokens[0]! % 2];
}

/** Three pairs of numbers; the class is the sign of the first. */
export function pairsExample(source: Random): [x: number[], label: number] {
  const x = normals(6, source);
  return [x, Number(x[0]! > 0)];
}

const classes =
  (count: number, example: (source: Random) => [number[], number]) =>
  (source: Random): [number[], number[]] => {
    const [x, label] = example(source);
    return [x, oneHot(label, count)];
  };

/** Name of a task. */
export type DefaultTaskName =
  | "linear regression with a large offset"
  | "regression MLP"
  | "blobs"
  | "spirals"
  | "autoencoder"
  | "convolutional net"
  | "LSTM"
  | "embedding";

/** The tasks by name. */
export const taskData: Readonly<Record<DefaultTaskName, TaskData>> = {
  "linear regression with a large offset": task("meanSquaredError", [5], (source) => {
    const x = normals(5, source);
    return [x, [150 + 20 * x[0]! - 10 * x[1]! + source.normal()]];
  }, { far: true }),
  "regression MLP": task("meanSquaredError", [4], (source) => {
    const x = normals(4, source);
    return [x, [Math.sin(2 * x[0]!) + x[1]! * x[2]! + source.normal() / 10]];
  }),
  "blobs": task(
    "categoricalCrossentropy",
    [4],
    classes(3, (source) => {
      const label = source.integer(3);
      return [normals(4, source).map((v, i) => v + (i === label ? 2 : 0)), label];
    }),
  ),
  "spirals": task(
    "categoricalCrossentropy",
    [2],
    classes(2, ({ integer, uniform, normal }) => {
      const label = integer(2), t = 0.5 + 3 * uniform();
      const angle = t + label * Math.PI;
      const noise = () => normal() / 20;
      return [[t * Math.cos(angle) / 2 + noise(), t * Math.sin(angle) / 2 + noise()], label];
    }),
  ),
  "autoencoder": task("meanSquaredError", [12], (source) => {
    const z = normals(3, source);
    const x = Array.from(
      { length: 12 },
      (_, i) => Math.tanh(z[i % 3]! + z[(i + 1) % 3]! / 2) + source.normal() / 20,
    );
    return [x, x];
  }),
  "convolutional net": task("categoricalCrossentropy", [8, 8, 1], classes(3, barsExample)),
  "LSTM": task("categoricalCrossentropy", [3, 2], classes(2, pairsExample), { scales: false }),
  "embedding": task("categoricalCrossentropy", [3], classes(2, tokensExample), { scales: false }),
};

/** The loss of the best prediction that does not look at the input. */
export function constantLoss(
  { loss }: Pick<TaskData, "loss">,
  y: readonly (readonly number[])[],
): number {
  const mean = y[0]!.map((_, j) => y.reduce((sum, row) => sum + row[j]!, 0) / y.length);
  if (loss === "meanSquaredError") {
    const total = y.flatMap((row) => row.map((v, j) => (v - mean[j]!) ** 2));
    return total.reduce((a, b) => a + b, 0) / total.length;
  }
  return -mean.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
}

/** Makes a definition without options. */
export type AliasMaker = () => Definition;

const { snrOnly, curvatureOnly, combined } = core;

/** Aliases for any ordinary model. */
export const recommendedAliases: Readonly<Record<string, AliasMaker>> = {
  snrOnly,
  curvatureOnly,
  combined,
};

/** These and all others that gradients are enough for. */
export const gradientAliases: Readonly<Record<string, AliasMaker>> = {
  ...recommendedAliases,
  sgd: core.sgd,
  adam: core.adam,
  adamW: core.adamW,
  adagrad: core.adagrad,
  adamax: core.adamax,
  lion: core.lion,
  mSvag: core.mSvag,
  nadam: core.nadam,
  rmsProp: core.rmsProp,
  signalSgd: core.signalSgd,
  svag: core.svag,
};

/** All aliases: these, and those that want curvature sampled. */
export const everyAlias: Readonly<Record<string, AliasMaker>> = {
  ...gradientAliases,
  adaHessian: core.adaHessian,
  diagonalNewton: core.diagonalNewton,
  naturalSnr: core.naturalSnr,
  signalNewton: core.signalNewton,
  sophia: core.sophia,
  vSgd: core.vSgd,
};

/** Rates in the units of the gradient: a loss of 150² is beyond them, as it is for tf.train.sgd. */
const ofGradient: readonly string[] = ["sgd", "svag", "mSvag", "signalSgd"];

/** The runs of an alias on a task. */
export interface DefaultRun {
  readonly seed: number;
  /** Times the inputs. */
  readonly scale: number;
}

/**
 * Seeds and scales to try: one of each, and `thorough` for three of the recommended aliases, a Latin
 * square. Which scale is the first changes with alias and task, so that an alias meets every scale on
 * some task, and a task every scale under some alias.
 */
function defaultRuns({ alias, task: name, thorough }: DefaultCheck): DefaultRun[] {
  const task = taskData[name];
  const [a, b] = [Object.keys(everyAlias).indexOf(alias), Object.keys(taskData).indexOf(name)];
  const scales = (task.scales ? [0.25, 1, 4] : [1])
    .filter((scale) => !(task.far && ofGradient.includes(alias) && scale > 1));
  const seeds = thorough && alias in recommendedAliases ? [1, 2, 3] : [1];
  return seeds.map((seed, k) => ({ seed, scale: scales[(a + b + k) % scales.length]! }));
}

/** Losses before and after a run, and that of the best constant. */
export interface DefaultLosses {
  readonly start: number;
  readonly end: number;
  readonly constant: number;
}

/** What is to be trained how. */
export interface DefaultCheck {
  readonly alias: string;
  readonly task: DefaultTaskName;
  /** Whether recommended aliases run with three seeds and scales. */
  readonly thorough: boolean;
}

/**
 * Trains by an alias on a task, with its seeds and scales: it ends below its start, and if it is a
 * recommended one below what any constant gets.
 *
 * @throws {Error} If not.
 */
export async function checkDefaults(
  check: DefaultCheck,
  train: (make: AliasMaker, task: DefaultTaskName, run: DefaultRun) => Promise<DefaultLosses>,
): Promise<void> {
  const { alias, task } = check;
  for (const run of defaultRuns(check)) {
    const { start, end, constant } = await train(everyAlias[alias]!, task, run);
    const what = `${start} → ${end} (constant ${constant}), scale ${run.scale}, seed ${run.seed}`;
    if (!(end < start)) throw new Error(`${alias}() does not end below its start: ${what}`);
    if (alias in recommendedAliases && !taskData[task].far && !(end < constant)) {
      throw new Error(`${alias}() does not learn from the inputs: ${what}`);
    }
  }
}

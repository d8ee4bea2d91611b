/** Tasks of points in the plane: drawn by a rule, or brought by the visitor. */
import { makeGrid } from "../../examples/tfjs-browser/grid.ts";
import { makeSpirals } from "../../examples/tfjs-browser/spirals.ts";
import { type Examples, mislabel, type Task, type TaskOptions } from "./examples.ts";
import { makeRandom, type Random } from "./random.ts";

/** Points within [−1, 1]² and the class of each. */
export interface LabelledPoints {
  /** x and y by turns. */
  readonly xy: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Points of the map of decisions along each side. */
export const gridSide = 48;

/** A rule that draws points; the same seed draws the same. */
export type PlaneRule = (count: number, seed: number) => LabelledPoints;

/** Two half circles that reach into each other. */
export const moons: PlaneRule = (count, seed) => {
  const { uniform, normal } = makeRandom(seed);
  const xy = new Float32Array(2 * count), labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const label = i % 2, angle = Math.PI * uniform();
    const x = label === 0 ? Math.cos(angle) - 0.5 : 0.5 - Math.cos(angle);
    const y = label === 0 ? Math.sin(angle) - 0.25 : 0.25 - Math.sin(angle);
    xy[2 * i] = 0.56 * x + 0.06 * normal();
    xy[2 * i + 1] = 0.75 * y + 0.06 * normal();
    labels[i] = label;
  }
  return { xy, labels };
};

/** Two spirals that wind around each other. */
export const spirals: PlaneRule = (count, seed) => {
  const { xy, labels } = makeSpirals(count, { seed: 1 + 31 * seed });
  return { xy, labels: Int32Array.from(labels) };
};

/** The network's inputs for points: deviation about 1, squeezed, and with useless inputs added. */
function inputsOf(
  xy: Float32Array,
  { squeeze, useless }: TaskOptions,
  random?: Random,
): Float32Array<ArrayBuffer> {
  const width = 2 + useless, count = xy.length / 2;
  const inputs = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
    const [along, across] = [(x + y) / Math.SQRT2, (x - y) / Math.SQRT2 / squeeze];
    inputs[i * width] = 2 * (along + across) / Math.SQRT2;
    inputs[i * width + 1] = 2 * (along - across) / Math.SQRT2;
    // The map shows the plane where these inputs are 0, their mean.
    for (let k = 2; random && k < width; k++) inputs[i * width + k] = random.normal();
  }
  return inputs;
}

function taskOf(
  sets: readonly [train: LabelledPoints, validation: LabelledPoints, test: LabelledPoints],
  classes: number,
  options: TaskOptions,
): Task {
  const random = makeRandom(options.seed + 50);
  const [train, validation, test] = sets.map(({ xy, labels }, k): Examples => ({
    inputs: inputsOf(xy, options, random),
    labels: k === 2
      ? labels
      : mislabel(labels, { classes, fraction: options.labelNoise, uniform: random.uniform }),
  })) as [Examples, Examples, Examples];
  const grid = inputsOf(makeGrid(gridSide), options);
  const width = 2 + options.useless;
  return { width, classes, train, validation, test, points: sets[0].xy, grid };
}

/** Points by a rule: as many to choose rates by as to train with, and a thousand to test with. */
export function planeTask(rule: PlaneRule, options: TaskOptions): Task {
  const { count, seed } = options;
  const counts = [count, Math.min(count, 500), 1000];
  const sets = counts.map((n, k) => rule(n, 3 * seed + k)) as [
    LabelledPoints,
    LabelledPoints,
    LabelledPoints,
  ];
  return taskOf(sets, 2, options);
}

/** The fewest points of the visitor's: three in a fifth. */
export const fewestPoints = 15;

/** The visitor's points: a fifth to choose rates by, a fifth to test with, the others to train. */
export function ownTask({ xy, labels }: LabelledPoints, options: TaskOptions): Task {
  const classes = Math.max(2, ...labels.map((label) => label + 1));
  const order = makeRandom(options.seed).order(labels.length);
  const fifth = Math.floor(labels.length / 5);
  const take = (from: number, to: number): LabelledPoints => {
    const chosen = order.slice(from, to);
    return {
      xy: Float32Array.from(chosen.flatMap((i) => [xy[2 * i]!, xy[2 * i + 1]!])),
      labels: Int32Array.from(chosen, (i) => labels[i]!),
    };
  };
  const train = take(2 * fifth, Math.min(labels.length, 2 * fifth + options.count));
  return taskOf([train, take(0, fifth), take(fifth, 2 * fifth)], classes, options);
}

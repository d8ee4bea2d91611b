/**
 * Tables of which we know how they came about.
 *
 * @module
 */
import { type Random, random } from "../random.ts";
import type { Examples } from "./digits.ts";
import { multilayer } from "./layers.ts";
import { type Data, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";
import { scaleOf, standardise } from "./standardise.ts";

/** Columns of a table. */
export const columns = 20;

/** The first columns, which the targets depend on. */
export const relevant = 12;

/** Share of the variance of a regression's target that is noise. */
const noise = 0.1;

/** Share of a classification's labels that are drawn evenly. */
const flipped = 0.1;

/** Classes of a classification. */
const classes = 3;

/** What the columns and their targets are made by. */
export interface Teacher {
  /** Columns in units of their own, from `columns` numbers that are N(0, 1). */
  columnsOf(normals: Float64Array): Float64Array;
  /** Outputs of a random tanh network of the relevant numbers. */
  outputsOf(normals: Float64Array): Float64Array;
}

/** A random network of 16 tanh units, and columns of scales from 10⁻³ to 10³, every fourth log-normal. */
export function teacherOf(seed: number): Teacher {
  const draw = random("teacher", seed);
  const hidden = 16;
  const first = Float64Array.from({ length: hidden * relevant }, () => draw.normal());
  const second = Float64Array.from({ length: hidden * classes }, () => draw.normal());
  const scales = Float64Array.from({ length: columns }, () => 10 ** (6 * draw.uniform() - 3));
  const offsets = Float64Array.from({ length: columns }, () => 3 * draw.normal());
  return {
    columnsOf: (normals) =>
      normals.map((z, k) => scales[k]! * (offsets[k]! + (k % 4 === 3 ? Math.exp(z) : z))),
    outputsOf(normals) {
      const outputs = new Float64Array(classes);
      for (let h = 0; h < hidden; h++) {
        let sum = 0;
        for (let k = 0; k < relevant; k++) sum += first[h * relevant + k]! * normals[k]!;
        const unit = Math.tanh(1.5 * sum / Math.sqrt(relevant)) / Math.sqrt(hidden);
        for (let c = 0; c < classes; c++) outputs[c]! += second[h * classes + c]! * unit;
      }
      return outputs;
    },
  };
}

/** A table that a teacher made, standardised by its training part. */
export function tabularData(
  task: "regression" | "classification",
  seed: number,
  full: boolean,
): Required<Data> {
  const teacher = teacherOf(seed);
  const draw = random("tabular", task, seed);
  const deviation = spread(teacher, seed);
  const sample = (count: number): Examples => {
    const x = new Float32Array(count * columns);
    const y = task === "regression" ? new Float32Array(count) : new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const normals = Float64Array.from({ length: columns }, () => draw.normal());
      x.set(teacher.columnsOf(normals), i * columns);
      y[i] = noisyTarget(task, teacher.outputsOf(normals), { deviation, draw });
    }
    return { count, features: columns, x, y };
  };
  const train = sample(full ? 2000 : 500);
  const like = standardiser(train);
  const probe = like(train);
  return {
    train: probe,
    probe,
    validation: like(sample(full ? 1000 : 300)),
    test: like(sample(full ? 2000 : 500)),
  };
}

/** A target from a teacher's outputs, the first of which has this deviation: a number, or a class. */
export function noisyTarget(
  task: "regression" | "classification",
  outputs: Float64Array,
  { deviation, draw }: { readonly deviation: number; readonly draw: Random },
): number {
  if (task === "regression") {
    return outputs[0]! + Math.sqrt(noise / (1 - noise)) * deviation * draw.normal();
  }
  return draw.uniform() < flipped ? draw.integer(classes) : outputs.indexOf(Math.max(...outputs));
}

const spreads = new Map<number, number>();

/** The standard deviation of a teacher's first output, measured. */
function spread({ outputsOf }: Teacher, seed: number): number {
  const draw = random("spread", seed);
  const normals = () => Float64Array.from({ length: columns }, () => draw.normal());
  const found = spreads.get(seed) ??
    scaleOf(Array.from({ length: 4000 }, () => outputsOf(normals())[0]!)).deviation;
  spreads.set(seed, found);
  return found;
}

/** Standardises columns, and targets that are quantities, by what these examples are like. */
export function standardiser({ x, y, features }: Examples): (examples: Examples) => Examples {
  const scales = Array.from(
    { length: features },
    (_, k) => scaleOf(x.filter((_, i) => i % features === k)),
  );
  const target = y instanceof Float32Array ? scaleOf(y) : undefined;
  return (examples) => ({
    ...examples,
    x: examples.x.map((value, i) => standardise(value, scales[i % features]!)),
    y: target ? Float32Array.from(examples.y, (value) => standardise(value, target)) : examples.y,
  });
}

function tabular(full: boolean, task: "regression" | "classification"): Problem {
  const hidden = full ? 64 : 32;
  const regression = task === "regression";
  return networkProblem({
    name: `tabular-${task}`,
    title: `MLP on a table, ${task}`,
    about:
      `${full ? "2,000" : 500} rows of 20 columns, of which 12 matter to a random network that ` +
      `made the targets; ${
        regression ? "10 % of their variance is noise" : "10 % of the labels are random"
      }; scales from 10⁻³ to 10³, every fourth column log-normal, standardised by the training ` +
      `rows. 20-${hidden}-${hidden}-${regression ? 1 : classes}, B = 32, the learning rate falls ` +
      "linearly to 0.",
    noisyData: true,
    network: multilayer(
      [columns, hidden, hidden, regression ? 1 : classes],
      regression ? "squared" : "classification",
    ),
    batchSize: 32,
    steps: full ? 2000 : 200,
    every: full ? 50 : 20,
    selections: ["finalValidation"],
    rateScale: regression ? 3 : 0.5,
    schedule: "linear",
    fullOnly: true,
    data: (seed) => tabularData(task, seed, full),
  });
}

/** A table with a quantity to predict. */
export function tabularRegression(full: boolean): Problem {
  return tabular(full, "regression");
}

/** A table with three classes to tell apart. */
export function tabularClassification(full: boolean): Problem {
  return tabular(full, "classification");
}

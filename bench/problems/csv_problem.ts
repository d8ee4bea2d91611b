/** @module */
import { createHash } from "node:crypto";
import { random } from "../random.ts";
import { chanceOf } from "./chance.ts";
import { cellsOf, encodeColumn, numberIn } from "./csv_columns.ts";
import { readTable } from "./csv_table.ts";
import { type CsvOptions, type CsvTarget, findTarget } from "./csv_target.ts";
import type { Examples } from "./digits.ts";
import { InputError } from "./input_error.ts";
import { type LossName, multilayer } from "./layers.ts";
import { type Data, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";
import { scaleOf, standardise } from "./standardise.ts";

/** A table as data, with what there is to say of it. */
export interface CsvData {
  readonly data: Required<Data>;
  readonly target: CsvTarget;
  /** The loss of knowing nothing but the targets of the training rows. */
  readonly chance: number;
  /** A sentence each: what there is, what is missing, what is left out. */
  readonly notes: readonly string[];
}

/** Fewer rows than these are not worth a comparison. */
const fewestRows = 20;

/**
 * Reads a table and splits its rows at random, but always alike: 70 % to train, 15 % to choose learning
 * rates by, 15 % to test.
 *
 * @throws {InputError} If it cannot be read or learnt.
 */
export function csvData(text: string, options: CsvOptions): CsvData {
  const target = findTarget(readTable(text, options.file), options);
  const { table, column, task, classes, dropped } = target;
  const count = table.rows.length;
  if (count < fewestRows) {
    throw new InputError(
      `Cannot learn "${options.target}" of "${options.file}": it has ${count} rows with a target, at ` +
        `least ${fewestRows} are needed`,
    );
  }
  const order = random("csv", "split").permutation(count);
  const held = Math.round(0.15 * count);
  const [trainRows, validationRows, testRows] = [
    order.subarray(2 * held),
    order.subarray(0, held),
    order.subarray(held, 2 * held),
  ];
  const features = table.columns.flatMap((name, i) =>
    i === column
      ? []
      : [{ column: i, ...encodeColumn(name, cellsOf(table, i), cellsOf(table, i, trainRows)) }]
  );
  const width = features.reduce((sum, feature) => sum + feature.width, 0);
  if (width === 0) {
    throw new InputError(
      `Cannot learn "${options.target}" of "${options.file}": no other column tells anything (${
        features.map(({ note }) => note).join("; ")
      })`,
    );
  }
  const targetOf = targets(target, trainRows);
  const part = (positions: Int32Array): Examples => {
    const x = new Float32Array(positions.length * width);
    positions.forEach((position, i) => {
      let at = i * width;
      for (const { column, width: wide, write } of features) {
        write(table.rows[position]!.cells[column]!, x, at);
        at += wide;
      }
    });
    return { count: positions.length, features: width, x, y: targetOf(positions) };
  };
  const train = part(trainRows);
  const kinds = (kind: string) => features.filter((feature) => feature.kind === kind).length;
  return {
    data: { train, probe: train, validation: part(validationRows), test: part(testRows) },
    target,
    chance: chanceOf(train, lossOf(classes)),
    notes: [
      `${count} rows: ${train.count} to train, ${held} to choose learning rates by, ${held} to test`,
      `target "${options.target}": ${
        task === "regression" ? "regression, standardised" : `${classes.length} classes`
      }`,
      `${kinds("numbers")} columns of numbers and ${kinds("categories")} of categories make ` +
      `${width} features`,
      ...(dropped > 0 ? [`${dropped} rows without a target are left out`] : []),
      ...features.flatMap(({ note }) => note === undefined ? [] : [note]),
    ],
  };
}

/** Standardised numbers by the training rows, or the ids of classes. */
function targets(
  { table, column, task, classes }: CsvTarget,
  trainRows: Int32Array,
): (positions: Int32Array) => Examples["y"] {
  if (task === "classification") {
    return (positions) =>
      Int32Array.from(cellsOf(table, column, positions), (cell) => classes.indexOf(cell));
  }
  const scale = scaleOf(cellsOf(table, column, trainRows).map(numberIn));
  return (positions) =>
    Float32Array.from(
      cellsOf(table, column, positions),
      (cell) => standardise(numberIn(cell), scale),
    );
}

function lossOf({ length }: readonly string[]): LossName {
  return length === 0 ? "squared" : length === 2 ? "binary" : "classification";
}

/** A CSV file of the user's as the problem `csv`. */
export function csvProblem(text: string, options: CsvOptions, full: boolean): Problem {
  const { data, target, chance, notes } = csvData(text, options);
  const { features, count } = data.train;
  const classes = target.classes.length;
  const hidden = full ? 64 : 32;
  // A small table is learnt by heart before that.
  const steps = Math.min(full ? 2000 : 200, Math.ceil((full ? 200 : 20) * count / 16));
  const outputs = classes > 2 ? classes : 1;
  const loss = lossOf(target.classes);
  return networkProblem({
    name: "csv",
    title: `${options.file}: ${options.target}`,
    about: `${notes.join("; ")}. ${features}-${hidden}-${hidden}-${outputs}, B = 16, constant ` +
      "learning rate; the target is half the loss of knowing nothing but the training targets.",
    set: "yours",
    noisyData: true,
    network: multilayer([features, hidden, hidden, outputs], loss),
    batchSize: Math.min(16, count),
    steps,
    every: Math.ceil(steps / (full ? 40 : 10)),
    target: { metric: "testLoss", value: Number((chance / 2).toPrecision(2)) },
    selections: ["bestValidation", "finalValidation"],
    rateScale: 1,
    schedule: "constant",
    more: {
      text: createHash("sha256").update(text).digest("hex"),
      target: options.target,
      task: target.task,
    },
    data: () => data,
  });
}

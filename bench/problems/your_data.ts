/**
 * The data of a module as examples.
 *
 * @module
 */
import type { Examples } from "./digits.ts";
import { pick } from "./digits.ts";
import { InputError } from "./input_error.ts";
import type { Data } from "./network.ts";
import type { YourExamples, YourLoss, YourModel } from "./your_model.ts";

/** Every so many examples of `train` validate where there is no validation data. */
const share = 6;

/**
 * The data of a module; `train` gives every sixth example where there is none for validation.
 *
 * @throws {InputError} For rows of different lengths, NaN, targets that do not fit the loss.
 */
export function yourData({ data, loss }: YourModel): Required<Data> {
  const all = examplesOf("train", data.train, loss);
  const test = examplesOf("test", data.test, loss);
  const given = data.validation && examplesOf("validation", data.validation, loss);
  const positions = Array.from({ length: all.count }, (_, i) => i);
  const train = given ? all : pick(all, positions.filter((i) => i % share !== share - 1));
  const validation = given ?? pick(all, positions.filter((i) => i % share === share - 1));
  for (const [name, part] of Object.entries({ train, validation, test })) {
    const refuse = (what: string, actual: number, expected: number) => {
      throw new InputError(
        `Cannot use the data: ${name} has ${actual} ${what} an example, train has ${expected}`,
      );
    };
    if (part.count === 0) throw new InputError(`Cannot use the data: ${name} has no examples`);
    const [actual, expected] = [part, train].map(({ y, count }) => y.length / count);
    if (part.features !== train.features) refuse("features", part.features, train.features);
    if (actual !== expected) refuse("targets", actual!, expected!);
  }
  return { train, probe: train, validation, test };
}

function examplesOf(name: string, { x, y }: YourExamples, loss: YourLoss): Examples {
  const refuse = (why: string): never => {
    throw new InputError(`Cannot use the data: ${why}`);
  };
  if (x === undefined || y === undefined) refuse(`${name} must have x and y`);
  const count = y.length;
  if (count === 0) refuse(`${name} has no examples`);
  const features = rowsOf(`x of ${name}`, x, count);
  const targets = rowsOf(`y of ${name}`, y, count);
  if (loss !== "squared") {
    if (targets.length !== count) refuse(`y of ${name} must be one class an example`);
    const odd = targets.findIndex((c) =>
      !Number.isInteger(c) || c < 0 || (loss === "binary" && c > 1)
    );
    if (odd >= 0) {
      const what = loss === "binary" ? "0 or 1" : "a class, 0, 1, 2, …";
      refuse(`y of ${name} must be ${what}, example ${odd} has ${targets[odd]}`);
    }
  }
  return {
    count,
    features: features.length / count,
    x: features,
    y: loss === "squared" ? targets : Int32Array.from(targets),
  };
}

/** All numbers of rows, as many in each. */
function rowsOf(what: string, rows: ArrayLike<unknown>, count: number): Float32Array {
  const refuse = (why: string): never => {
    throw new InputError(`Cannot use the data: ${what} ${why}`);
  };
  let numbers: Float32Array;
  if (ArrayBuffer.isView(rows)) {
    if (rows.length % count !== 0) {
      refuse(`has ${rows.length} numbers, which are not as many for each of ${count} examples`);
    }
    numbers = Float32Array.from(rows as ArrayLike<number>);
  } else {
    if (rows.length !== count) refuse(`has ${rows.length} rows, y has ${count}`);
    const flat = Array.from(
      rows,
      (row) =>
        [row].flat(Infinity).flatMap((v) =>
          ArrayBuffer.isView(v) ? Array.from(v as unknown as ArrayLike<number>) : [v as number]
        ),
    );
    const width = flat[0]!.length;
    const odd = flat.findIndex((row) => row.length !== width);
    if (odd >= 0) {
      refuse(`has ${flat[odd]!.length} numbers in example ${odd}, ${width} in the first`);
    }
    numbers = Float32Array.from(flat.flat());
  }
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const example = Math.floor(bad * count / numbers.length);
    refuse(`must be finite numbers, example ${example} has ${numbers[bad]}`);
  }
  return numbers;
}

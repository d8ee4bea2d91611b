/**
 * Columns of a table as numbers, by what the training rows are like.
 *
 * @module
 */
import type { Table } from "./csv_table.ts";
import { scaleOf, standardise } from "./standardise.ts";

const missing: ReadonlySet<string> = new Set(["", "na", "n/a", "nan", "null", "none", "?"]);

/** Whether a cell says that there is no value. */
export function isMissing(cell: string): boolean {
  return missing.has(cell.toLowerCase());
}

/** The number in a cell; NaN if there is none. */
export function numberIn(cell: string): number {
  const value = isMissing(cell) ? NaN : Number(cell);
  return Number.isFinite(value) ? value : NaN;
}

/** Levels that a column of categories may have. */
export const mostLevels = 32;

/** A column as features. */
export interface Encoded {
  /** How many numbers a row has of it; 0 if it is left out. */
  readonly width: number;
  /** Writes the numbers of a cell, from an index on. */
  write(cell: string, into: Float32Array, at: number): void;
  /** For people, if there is something to say: missing values, what is left out. */
  readonly note?: string;
  readonly kind: "numbers" | "categories" | "left out";
}

/**
 * A column by its name, with the cells of all rows and of the training rows. Numbers are standardised
 * by the training rows; where one is missing it is their mean, and where training rows miss any a
 * second number says so. Categories are one-hot, with one more level for missing values where
 * training rows have them; levels that training rows do not have are all zeros.
 */
export function encodeColumn(
  column: string,
  all: readonly string[],
  train: readonly string[],
): Encoded {
  const present = all.filter((cell) => !isMissing(cell));
  const absent = all.length - present.length;
  const gaps = absent > 0 ? `"${column}" misses ${absent} of ${all.length} values` : undefined;
  const leftOut = (why: string): Encoded => ({
    width: 0,
    write() {},
    kind: "left out",
    note: `"${column}" is left out: ${why}`,
  });
  const inTraining = new Set(train.filter((cell) => !isMissing(cell)));
  if (inTraining.size === 0) return leftOut("it is empty in the training rows");
  if (inTraining.size === 1 && !train.some(isMissing)) {
    return leftOut("it is the same in all training rows");
  }
  const odd = present.find((cell) => Number.isNaN(numberIn(cell)));
  if (odd === undefined) return numbers(train, gaps);
  if (inTraining.size > mostLevels) {
    return leftOut(
      `it has ${inTraining.size} different values that are not all numbers ("${odd}")`,
    );
  }
  return categories(train, gaps);
}

const noted = (note: string | undefined) => note === undefined ? {} : { note };

function numbers(train: readonly string[], note: string | undefined): Encoded {
  const scale = scaleOf(train.map(numberIn));
  const marked = train.some(isMissing);
  return {
    width: marked ? 2 : 1,
    write(cell, into, at) {
      const value = numberIn(cell);
      const absent = Number.isNaN(value);
      into[at] = absent ? 0 : standardise(value, scale);
      if (marked) into[at + 1] = absent ? 1 : 0;
    },
    kind: "numbers",
    ...noted(note),
  };
}

function categories(train: readonly string[], note: string | undefined): Encoded {
  const level = (cell: string) => isMissing(cell) ? "" : cell;
  const levels = [...new Set(train.map(level))].sort();
  return {
    width: levels.length,
    write(cell, into, at) {
      const i = levels.indexOf(level(cell));
      if (i >= 0) into[at + i] = 1;
    },
    kind: "categories",
    ...noted(note),
  };
}

/** The cells of a column, in these rows or in all. */
export function cellsOf({ rows }: Table, column: number, positions?: ArrayLike<number>): string[] {
  return positions === undefined
    ? rows.map(({ cells }) => cells[column]!)
    : Array.from(positions, (i) => rows[i]!.cells[column]!);
}

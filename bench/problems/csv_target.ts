/**
 * The column of a table that is learnt.
 *
 * @module
 */
import { nearestName } from "@precond/core/backend";
import { isMissing, numberIn } from "./csv_columns.ts";
import type { Table } from "./csv_table.ts";
import { InputError } from "./input_error.ts";

/** What a table is used for. */
export type TableTask = "regression" | "classification";

/** What to learn from a file. */
export interface CsvOptions {
  readonly file: string;
  readonly target: string;
  /** Default: regression for numbers of which there are many, else classification. */
  readonly task?: TableTask;
}

/** Most classes of a classification. */
export const mostClasses = 50;

/** A table's target. */
export interface CsvTarget {
  readonly task: TableTask;
  readonly column: number;
  /** Classes in their order, as classification has them; none of a regression. */
  readonly classes: readonly string[];
  /** The table without the rows that have no target. */
  readonly table: Table;
  /** How many those were. */
  readonly dropped: number;
}

/**
 * Finds the target and what to do with it.
 *
 * @throws {InputError} For a column that does not exist, has one value only, no numbers where they
 *   are needed, or too many classes.
 */
export function findTarget(all: Table, { file, target, task: asked }: CsvOptions): CsvTarget {
  const column = all.columns.indexOf(target);
  if (column < 0) {
    const near = nearestName(target, all.columns);
    throw new InputError(
      `Cannot learn "${target}" of "${file}": there is no such column` +
        (near === undefined ? "" : `, did you mean "${near}"?`) +
        ` (it has ${all.columns.map((name) => `"${name}"`).join(", ")})`,
    );
  }
  const refuse = (why: string): never => {
    throw new InputError(`Cannot learn "${target}" of "${file}": ${why}`);
  };
  const rows = all.rows.filter(({ cells }) => !isMissing(cells[column]!));
  const dropped = all.rows.length - rows.length;
  const values = rows.map(({ cells }) => cells[column]!);
  const different = new Set(values);
  if (different.size === 0) refuse("it has no values");
  if (different.size === 1) refuse(`it is "${values[0]}" in all ${rows.length} rows`);
  const odd = rows.find(({ cells }) => Number.isNaN(numberIn(cells[column]!)));
  const task = asked ??
    (odd === undefined && manyNumbers(different) ? "regression" : "classification");
  const table = { columns: all.columns, rows };
  if (task === "regression") {
    if (odd) {
      refuse(
        `"${odd.cells[column]}" in line ${odd.line} is no number; use --task classification, or ` +
          "another column",
      );
    }
    return { task, column, classes: [], table, dropped };
  }
  if (different.size > mostClasses || 2 * different.size > rows.length) {
    refuse(
      `it has ${different.size} classes in ${rows.length} rows, at most ${
        Math.min(mostClasses, Math.floor(rows.length / 2))
      } can be told apart; use ${odd ? "" : "--task regression, or "}another column`,
    );
  }
  const order = (a: string, b: string) => odd ? (a < b ? -1 : 1) : Number(a) - Number(b);
  return { task, column, classes: [...different].sort(order), table, dropped };
}

/** More than a few numbers, or some that are not whole, are quantities and not names of classes. */
function manyNumbers(different: ReadonlySet<string>): boolean {
  return different.size > 20 || [...different].some((cell) => !Number.isInteger(Number(cell)));
}

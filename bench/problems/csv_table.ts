/** @module */
import { type CsvError, parse } from "csv-parse/sync";
import { InputError } from "./input_error.ts";

/** A table as text. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** A row of a table: a cell for each column. */
export interface Row {
  readonly cells: readonly string[];
  /** Where it ends in the file, from 1. */
  readonly line: number;
}

const delimiters = [",", ";", "\t", "|"] as const;

/** The delimiter that splits the first line in most parts. */
function delimiterOf(text: string): string {
  const [first] = text.split("\n", 1);
  const parts = (delimiter: string) => first!.split(delimiter).length;
  return delimiters.reduce((a, b) => parts(b) > parts(a) ? b : a);
}

/**
 * Reads a table whose first line names its columns, with commas, semicolons, tabs or bars between the
 * cells.
 *
 * @param text All of a file.
 * @param name What errors call it.
 * @throws {InputError} If it is no table: rows of other lengths, quotes left open, columns without a
 *   name or two of one name, no rows.
 */
export function readTable(text: string, name: string): Table {
  const [header, ...rows] = recordsOf(text, name);
  if (header === undefined) throw new InputError(`Cannot read "${name}": it is empty`);
  const columns = header.cells;
  columns.forEach((column, i) => {
    if (column === "") throw new InputError(`Cannot read "${name}": column ${i + 1} has no name`);
    if (columns.indexOf(column) < i) {
      throw new InputError(`Cannot read "${name}": two columns are called "${column}"`);
    }
  });
  if (rows.length === 0) {
    throw new InputError(`Cannot read "${name}": it has no rows but the names of its columns`);
  }
  return { columns, rows };
}

function recordsOf(text: string, name: string): Row[] {
  const options = { bom: true, trim: true, skip_empty_lines: true, info: true };
  try {
    const records = parse(text, { ...options, delimiter: delimiterOf(text) }) as unknown as {
      record: string[];
      info: { lines: number };
    }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    const { code, lines } = error as CsvError & { lines?: number };
    if (typeof code !== "string") throw error;
    const reason = (error as Error).message;
    const where = lines === undefined ? "" : `line ${lines}: `;
    throw new InputError(`Cannot read "${name}": ${where}${reason}`, { cause: error });
  }
}

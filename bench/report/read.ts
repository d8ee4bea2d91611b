/** @module */
import type { TimedRow } from "../overhead/rows.ts";
import { allProblems } from "../problems/mod.ts";
import type { Problem } from "../problems/problem.ts";
import { type Results, type Row, schemaVersion, type Sensitivity } from "../rows.ts";
import { type Material, material, type Source } from "./material.ts";

/** A file of rows: of `main.ts`, or of `overhead.ts`. */
export type RowsFile = Omit<Results, "sensitivity"> & Source & {
  readonly sensitivity?: Sensitivity[];
};

const cellOf = ({ problem, method, backend, selection }: Row | Sensitivity) =>
  [problem, method, backend, selection].join("/");

/** A file replaces rows of the same batch size only. */
const rowsOf = (row: Row) => `${cellOf(row)}/${row.batchSize}`;
const tuningOf = (tuning: Sensitivity) => `${cellOf(tuning)}/${tuning.settings}`;

const isFull = ({ command }: Source) => /(^|\s)--full(\s|$)/.test(command);

/** Recorded rows may have been kept without their curves. */
const noCurve: Row["curve"] = { step: [], trainLoss: [] };

/** The problems of these names, each in its size. */
function problemsOf(sizes: ReadonlyMap<string, boolean>): Problem[] {
  const known = [false, true].map((full) => ({ full, problems: allProblems(full) }));
  const names = new Set(known.flatMap(({ problems }) => problems.map(({ name }) => name)));
  const unknown = [...sizes.keys()].find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot merge the rows: problem "${unknown}" is not one of the benchmark's; ` +
        "main.ts writes the report of a problem of yours",
    );
  }
  return [...names].flatMap((name) =>
    known.flatMap(({ full, problems }) =>
      sizes.get(name) === full ? problems.filter((problem) => problem.name === name) : []
    )
  );
}

/**
 * Reads a file of rows.
 *
 * @throws {TypeError} If it is something else, or of another schema version.
 */
export async function readRows(path: string): Promise<RowsFile> {
  const text = await Deno.readTextFile(path);
  let value: Partial<RowsFile>;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError(`Cannot make a report: "${path}" is not JSON`);
  }
  if (value.schemaVersion !== schemaVersion || !Array.isArray(value.rows)) {
    throw new TypeError(
      `Cannot make a report: "${path}" has no rows of schema version ${schemaVersion}`,
    );
  }
  const [first] = value.rows as { ours_ms?: number }[];
  if (!Array.isArray(value.sensitivity) && first?.ours_ms === undefined) {
    throw new TypeError(
      `Cannot make a report: the rows of "${path}" are neither those of main.ts nor of overhead.ts`,
    );
  }
  return value as RowsFile;
}

/**
 * Puts files of rows together. What several files measured alike is taken from the last of them:
 * rows of two versions of the code must not be pooled.
 *
 * @throws {TypeError} If the quick and the full size of a problem come together, or one is unknown.
 */
export function merge(files: readonly RowsFile[]): Material {
  const rows = new Map<string, Row[]>();
  const sensitivity = new Map<string, Sensitivity[]>();
  const overhead: TimedRow[] = [];
  const sizes = new Map<string, boolean>();
  for (const file of files) {
    if (!file.sensitivity) {
      overhead.push(...file.rows as unknown as TimedRow[]);
      continue;
    }
    for (const { problem } of file.rows) {
      const full = isFull(file);
      if ((sizes.get(problem) ?? full) !== full) {
        throw new TypeError(
          `Cannot merge the rows: "${problem}" is there in its quick and in its full size; ` +
            "make a report of each",
        );
      }
      sizes.set(problem, full);
    }
    for (const [cell, own] of Map.groupBy(file.rows, rowsOf)) {
      rows.set(cell, own.map((row) => ({ ...row, curve: row.curve ?? noCurve })));
    }
    for (const [cell, own] of Map.groupBy(file.sensitivity, tuningOf)) sensitivity.set(cell, own);
  }
  return material({
    results: { rows: [...rows.values()].flat(), sensitivity: [...sensitivity.values()].flat() },
    problems: problemsOf(sizes),
    sources: files.map(({ command, note }) => ({ command, ...(note ? { note } : {}) })),
    overhead,
  });
}

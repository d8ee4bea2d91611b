/** @module */
import { dirname } from "node:path";
import { device, source, versions } from "./device.ts";
import { type Results, schemaVersion } from "./rows.ts";

/**
 * Reads a results file to go on with; undefined if there is none.
 *
 * @throws {TypeError} If the file is something else, or of another schema version.
 */
export async function readResults(path: string): Promise<Results | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  let value: Partial<Results>;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError(`Cannot resume: "${path}" is not JSON`);
  }
  if (value.schemaVersion !== schemaVersion) {
    throw new TypeError(
      `Cannot resume: "${path}" has schema version ${value.schemaVersion}, expected ${schemaVersion}`,
    );
  }
  if (!Array.isArray(value.rows) || !Array.isArray(value.sensitivity)) {
    throw new TypeError(`Cannot resume: "${path}" has no rows and sensitivity`);
  }
  if (
    value.rows.some((row) => !Array.isArray((row as { curve?: { step?: unknown } })?.curve?.step))
  ) {
    throw new TypeError(`Cannot resume: "${path}" has a row without a curve`);
  }
  // Rows of before there were threads have no number of them.
  const rows = value.rows.map((row) => ({ ...row, workers: row.workers ?? 1 }));
  return { ...value, rows } as Results;
}

/** Writes all of it or nothing, so that an interrupted run leaves a readable file. */
export async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  await Deno.writeTextFile(partial, text);
  await Deno.rename(partial, path);
}

/** What made some rows. */
export interface Made {
  /** Its file's name, without ".ts". */
  readonly program: string;
  readonly args: readonly string[];
  /** What else the file says of all rows. */
  readonly more?: object;
}

/** Writes rows with the command, the machine, the versions and the commit that made them, to a path if any. */
export async function writeRows(
  path: string | undefined,
  rows: readonly object[],
  { program, args, more }: Made,
): Promise<void> {
  if (path === undefined) return;
  const command = [`deno run -A bench/${program}.ts`, ...args].join(" ");
  const surroundings = { device: device(), versions: versions(), ...source(), ...more };
  await write(
    path,
    `${JSON.stringify({ schemaVersion, command, ...surroundings, rows }, null, 1)}\n`,
  );
}

/** Results as text: a line for each row, so that diffs and `grep` work. */
export function resultsText(results: Results): string {
  const lines = (list: readonly unknown[]) =>
    list.length === 0 ? "[]" : `[\n${list.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  return `{"schemaVersion":${results.schemaVersion},"command":${
    JSON.stringify(results.command)
  },\n` +
    `"rows":${lines(results.rows)},\n"sensitivity":${lines(results.sensitivity)}}\n`;
}

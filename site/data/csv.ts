import { fewestPoints, type LabelledPoints } from "./plane.ts";

const mostClasses = 6;

/** Points of a file, and what its labels are called. */
export interface CsvPoints extends LabelledPoints {
  readonly names: readonly string[];
}

/**
 * Reads x, y and a label from each line; a first line without numbers is a heading. The points are
 * moved and scaled into [−0.9, 0.9]², each axis by itself.
 *
 * @throws {Error} That says which line is wrong, and how it should be.
 */
export function readCsv(text: string): CsvPoints {
  const lines = text.split(/\r\n|\r|\n/).map((line, k) => ({ line, number: k + 1 }))
    .filter(({ line }) => line.trim() !== "");
  const rows = lines.flatMap(({ line, number }, k) => {
    const cells = line.split(line.includes(";") ? ";" : line.includes("\t") ? "\t" : ",")
      .map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
    if (cells.length !== 3) {
      throw new Error(
        `Cannot read line ${number}: it has ${cells.length} columns; ` +
          "give three, x, y and label, with commas between them",
      );
    }
    const [x, y] = cells.slice(0, 2).map((cell) => cell === "" ? NaN : Number(cell));
    if (Number.isFinite(x) && Number.isFinite(y)) return [{ x: x!, y: y!, label: cells[2]! }];
    if (k === 0) return []; // the heading
    throw new Error(
      `Cannot read line ${number}: x and y must be numbers such as 1.5, current values are ` +
        `"${cells[0]}" and "${cells[1]}"`,
    );
  });
  if (rows.length < fewestPoints) {
    throw new Error(
      `Cannot train on ${rows.length} rows: a fifth is kept for the test and a fifth to choose ` +
        `learning rates by; give at least ${fewestPoints}`,
    );
  }
  const names = [...new Set(rows.map(({ label }) => label))].sort();
  if (names.length < 2 || names.length > mostClasses) {
    throw new Error(
      `Cannot train on ${names.length} different labels: give 2 to ${mostClasses}`,
    );
  }
  const xs = scaled(rows.map(({ x }) => x)), ys = scaled(rows.map(({ y }) => y));
  return {
    xy: Float32Array.from(rows.flatMap((_, i) => [xs[i]!, ys[i]!])),
    labels: Int32Array.from(rows, ({ label }) => names.indexOf(label)),
    names,
  };
}

function scaled(values: readonly number[]): number[] {
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [
    Infinity,
    -Infinity,
  ]);
  return values.map((v) => high > low ? 0.9 * (2 * (v - low) / (high - low) - 1) : 0);
}

import assert from "node:assert/strict";
import { createBuilder } from "../../graph/create_builder.ts";
import type { Dim } from "../../graph/dims.ts";
import { DataType } from "../../model/data_type.ts";
import { tensorData, tensorDims } from "../../model/tensor.ts";
import { makeModel, openModel, type Results, type Value } from "../../_testing.ts";
import { uniformLike } from "./uniform.ts";
import { ruleFor } from "../mod.ts";

const { FLOAT } = DataType;

/** Draws of some streams and seeds in one shape: [stream][seed]. */
async function draws(
  dims: readonly number[],
  streams: readonly number[],
  seeds: readonly number[],
  declared: readonly Dim[] = dims,
): Promise<number[][][]> {
  const b = createBuilder(18, ruleFor, new Set(["x", "seed"]));
  b.declare("x", { dataType: FLOAT, dims: declared });
  b.declare("seed", { dataType: FLOAT, dims: [] });
  const outputs = streams.map((stream) => uniformLike(b, "x", { seed: "seed", stream }));
  const size = dims.reduce((a, d) => a * d, 1);
  const x: Value = { dims, data: Array.from({ length: size }, () => 0), type: FLOAT };
  const scalar = (seed: number): Value => ({ dims: [], data: [seed], type: FLOAT });
  const session = await openModel(makeModel({
    nodes: b.nodes,
    inputs: { x, seed: scalar(0) },
    initializers: Object.fromEntries([...b.initializers].map(([name, t]) => [name, {
      dims: tensorDims(t),
      data: Array.from(tensorData(t) as ArrayLike<number | bigint>, Number),
      type: t.dataType,
    }])),
    symbols: { x: declared },
    outputs,
  }));
  try {
    const results: Results[] = [];
    for (const seed of seeds) results.push(await session.run({ x, seed: scalar(seed) }));
    return outputs.map((name) => results.map((r) => r[name]!.data));
  } finally {
    await session.release();
  }
}

/** Correlation of two sequences of uniforms (mean ½, variance 1/12). */
function correlation(u: readonly number[], v: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += (u[i]! - 0.5) * (v[i]! - 0.5);
  return 12 * sum / u.length;
}

const ROWS = 256;
const COLUMNS = 384;
const COUNT = ROWS * COLUMNS;
/** Five standard errors of a correlation of independent numbers: one failure in two million. */
const LIMIT = 5 / Math.sqrt(COUNT);

Deno.test("uniformLike() has the mean, variance and histogram of uniform numbers", async () => {
  const drawn = await draws([ROWS, COLUMNS], [0, 1, 7], [0, 1, 123456, 2 ** 24 - 1]);
  for (const u of drawn.flat()) {
    assert.ok(u.every((v) => v >= 0 && v < 1 && Number.isInteger(v * 65536)));
    const mean = u.reduce((a, v) => a + v, 0) / COUNT;
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(1 / 12 / COUNT), `mean ${mean}`);
    const variance = u.reduce((a, v) => a + (v - 0.5) ** 2, 0) / COUNT;
    // Var (u − ½)² = 1/180
    assert.ok(Math.abs(variance - 1 / 12) < 5 * Math.sqrt(1 / 180 / COUNT), `variance ${variance}`);
    chiSquare(u.map((v) => Math.floor(v * 256)), 256, "values");
    // Neighbours along a row, and down a column.
    for (const step of [1, COLUMNS]) {
      const pairs = u.slice(step).map((v, i) => 16 * Math.floor(v * 16) + Math.floor(u[i]! * 16));
      chiSquare(pairs.filter((_, i) => i % 2 === 0), 256, `pairs at ${step}`);
    }
  }
});

/** χ² of a histogram within five standard deviations of its mean. */
function chiSquare(cells: readonly number[], bins: number, what: string): void {
  const counts = new Array<number>(bins).fill(0);
  for (const cell of cells) counts[cell]!++;
  const expected = cells.length / bins;
  const chi = counts.reduce((a, c) => a + (c - expected) ** 2 / expected, 0);
  const deviation = (chi - (bins - 1)) / Math.sqrt(2 * (bins - 1));
  assert.ok(Math.abs(deviation) < 5, `${what}: χ² is ${chi}, ${deviation} deviations off`);
}

Deno.test("uniformLike() is uncorrelated along and across rows, streams and seeds", async () => {
  const drawn = await draws([ROWS, COLUMNS], [0, 1, 2], [0, 1, 2, 3, 2886, 2887, 5774, 77777]);
  for (const [stream, ofSeeds] of drawn.entries()) {
    for (const [k, u] of ofSeeds.entries()) {
      for (const lag of [1, 2, 3, 4, 8, COLUMNS - 1, COLUMNS, COLUMNS + 1, 2 * COLUMNS, 3000]) {
        const r = correlation(u.slice(lag), u);
        assert.ok(Math.abs(r) < LIMIT, `lag ${lag}: ${r}`);
      }
      for (let other = 0; other < k; other++) {
        const r = correlation(u, ofSeeds[other]!);
        assert.ok(Math.abs(r) < LIMIT, `seeds ${k} and ${other}: ${r}`);
      }
      for (let other = 0; other < stream; other++) {
        const r = correlation(u, drawn[other]![k]!);
        assert.ok(Math.abs(r) < LIMIT, `streams ${stream} and ${other}: ${r}`);
      }
    }
  }
});

Deno.test("uniformLike() has independent rows, columns and rectangles", async () => {
  const [[u]] = await draws([ROWS, COLUMNS], [3], [42]) as [[number[]]];
  const at = (r: number, c: number) => u[r * COLUMNS + c]! - 0.5;
  // Over all pairs of rows n · correlation² has mean 1 and variance 2; of columns too.
  for (
    const [lines, length, of] of [
      [ROWS, COLUMNS, at],
      [COLUMNS, ROWS, (c: number, r: number) => at(r, c)],
    ] as const
  ) {
    let [sum, most, pairs] = [0, 0, 0];
    for (let i = 0; i < lines; i++) {
      for (let j = 0; j < i; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += of(i, k) * of(j, k);
        const square = (12 * dot) ** 2 / length;
        sum += square;
        most = Math.max(most, square);
        pairs++;
      }
    }
    const mean = sum / pairs;
    assert.ok(Math.abs(mean - 1) < 5 * Math.sqrt(2 / pairs), `mean square correlation ${mean}`);
    // The largest of 73,536 squares of normals is about 2 ln 73,536 = 22.
    assert.ok(most < 40, `largest ${most}`);
  }
  // Inner products are linear in rows and columns: four corners of a rectangle would show it.
  let corners = 0;
  let rectangles = 0;
  for (let r = 0; r + 1 < ROWS; r += 2) {
    for (let c = 0; c + 1 < COLUMNS; c += 2) {
      corners += 144 * at(r, c) * at(r, c + 1) * at(r + 1, c) * at(r + 1, c + 1);
      rectangles++;
    }
  }
  assert.ok(Math.abs(corners / rectangles) < 5 / Math.sqrt(rectangles), `rectangles ${corners}`);
});

Deno.test("uniformLike() draws in every shape", async () => {
  for (
    const dims of [[], [5], [70000], [3, 4], [2, 3, 4, 5], [1, 1], [8, 1, 1000]] as number[][]
  ) {
    const [[u]] = await draws(dims, [0], [9]) as [[number[]]];
    assert.ok(u.every((v) => v >= 0 && v < 1), `[${dims}]`);
    if (u.length > 1) assert.ok(new Set(u).size > u.length * 0.4, `[${dims}]: repeated numbers`);
    if (u.length > 1000) {
      const mean = u.reduce((a, v) => a + v, 0) / u.length;
      assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(1 / 12 / u.length), `[${dims}]: ${mean}`);
      const r = correlation(u.slice(1), u);
      assert.ok(Math.abs(r) < 5 / Math.sqrt(u.length), `[${dims}]: lag ${r}`);
    }
  }
});

Deno.test("uniformLike() draws for sizes that only the run knows, and past the base of its digits", async () => {
  for (const dims of [[6000, 8], [3, 5000], [2, 3000, 3]]) {
    const [[u]] = await draws(dims, [0], [9], dims.map((_, k) => `D${k}`)) as [[number[]]];
    const mean = u.reduce((a, v) => a + v, 0) / u.length;
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(1 / 12 / u.length), `[${dims}]: ${mean}`);
    // 2048 and 2887 are where a digit or a residue starts anew.
    for (const rows of [1, 2047, 2048, 2887]) {
      for (const lag of [rows, rows * dims[dims.length - 1]!]) {
        if (lag > u.length / 2) continue;
        const r = correlation(u.slice(lag), u);
        assert.ok(Math.abs(r) < 5 / Math.sqrt(u.length - lag), `[${dims}], lag ${lag}: ${r}`);
      }
    }
  }
});

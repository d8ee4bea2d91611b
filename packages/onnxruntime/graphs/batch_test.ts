import assert from "node:assert/strict";
import { batchAxes, batchSizeOf } from "./batch.ts";

type Shapes = Readonly<Record<string, readonly (number | string)[]>>;
const infos = (shapes: Shapes) =>
  Object.entries(shapes).map(([name, dims]) => ({
    name,
    type: 1,
    // As the inputs of a graph have it: a free size without a name is called by its place.
    dims: dims.map((dim, k) => dim === "?" ? `${name}.${k}` : dim),
  }));

/** Inputs, labels, and the axis of the batch in each input that has one. */
const cases: readonly [string, Shapes, readonly string[], Readonly<Record<string, number>>][] = [
  ["one symbol", { x: ["N", 4], labels: ["N"] }, ["labels"], { x: 0, labels: 0 }],
  ["sequences first", { x: ["T", "N", 4], labels: ["N"] }, ["labels"], { x: 1, labels: 0 }],
  ["a label for each step", { x: ["T", "N", 4], labels: ["T", "N"] }, ["labels"], {
    x: 1,
    labels: 1,
  }],
  ["any name, told by the labels", { x: ["s", "k", 4], y: ["k"] }, ["y"], { x: 1, y: 0 }],
  ["no labels", { x: ["s", "k", 4], y: ["k", 1] }, [], { x: 1, y: 0 }],
  ["two named sizes, one called batch", { ids: ["batch_size", "sequence"] }, [], { ids: 0 }],
  ["two others, one leads", { ids: ["s", "t"], mask: ["s", "t"] }, [], { ids: 0, mask: 0 }],
  ["two that cannot be told apart", { x: ["s", "t"], h: ["t", "s"] }, [], {}],
  ["a table beside the batch", { table: ["K", 8], x: ["N", 8], z: ["N"] }, [], { x: 0, z: 0 }],
  ["a number beside the batch", { temperature: [], x: ["N", 8] }, [], { x: 0 }],
  ["no names", { state: ["?", "?"], x: ["?", "?", 4], labels: ["?"] }, ["labels"], { labels: 0 }],
  ["known sizes", { x: [8, 4], labels: [8] }, ["labels"], { labels: 0 }],
  ["known sizes, no labels", { x: [8, 4], z: [8], one: [] }, [], { x: 0, z: 0 }],
];

Deno.test("batchAxes() finds the batch, whatever the order of the inputs", async (t) => {
  for (const [name, shapes, labels, expected] of cases) {
    await t.step(name, () => {
      for (const inputs of [infos(shapes), infos(shapes).reverse()]) {
        const axes = batchAxes(inputs, new Set(labels));
        assert.deepEqual(
          Object.fromEntries(axes.map(({ input, axis }) => [input, axis])),
          expected,
        );
      }
    });
  }
});

Deno.test("batchSizeOf() is undefined where inputs disagree", () => {
  const axes = batchAxes(infos({ x: ["?", 4], z: ["?"] }), new Set());
  assert.equal(batchSizeOf(axes, { x: { dims: [8, 4] }, z: { dims: [8] } }), 8);
  assert.equal(batchSizeOf(axes, { x: { dims: [8, 4] }, z: { dims: [3] } }), undefined);
  assert.equal(batchSizeOf([], { x: { dims: [8, 4] } }), undefined);
});

import assert from "node:assert/strict";
import { makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { ruleFor } from "../rules/mod.ts";
import { late, waitsFor } from "./late.ts";
import { loadGraph } from "./load_graph.ts";

const x = normal(1, [2, 3]);
const load = (after: readonly number[], symbols: (string | number)[] = [2, 3]) =>
  loadGraph(
    makeModel({
      nodes: [makeNode("Neg", ["x"], ["y"]), makeNode("Neg", ["a"], ["c"])],
      inputs: { x, a: normal(2, after) },
      symbols: { x: symbols },
      outputs: ["y", "c"],
    }),
    ruleFor,
  ).b;

Deno.test("late() is the value itself, in its shape, after another one", async (t) => {
  for (const after of [[2, 3], [4], [1, 1, 1]]) {
    for (const symbols of [[2, 3], ["N", 3]]) {
      await t.step(`[${symbols}] after [${after}]`, async () => {
        const b = load(after, symbols);
        const again = late(b, "y", "c");
        assert.deepEqual(b.dims(again), symbols);
        assert.equal(waitsFor(b, b.producer(again)!), "c");
        const model = makeModel({
          nodes: b.nodes,
          inputs: { x, a: normal(2, after) },
          outputs: [again],
        });
        const results = await runModel(model, { x, a: normal(2, after) });
        assert.deepEqual(results[again], { dims: [2, 3], data: x.data.map((v) => -v) });
      });
    }
  }
});

Deno.test("waitsFor() takes no other Reshape for one that waits", () => {
  const nodes = [
    makeNode("Neg", ["x"], ["y"]),
    makeNode("Shape", ["x"], ["own"]),
    makeNode("Shape", ["a"], ["other"]),
    makeNode("Reshape", ["x", "own"], ["1"]),
    makeNode("Reshape", ["x", "other"], ["2"]),
    makeNode("Add", ["own", "own"], ["twice"]),
    makeNode("Reshape", ["x", "twice"], ["3"]),
  ];
  const { b } = loadGraph(
    makeModel({ nodes, inputs: { x, a: normal(2, [6]) }, outputs: ["1", "2", "3"] }),
    ruleFor,
  );
  assert.deepEqual(b.nodes.map((node) => waitsFor(b, node)), nodes.map(() => undefined));
});

Deno.test("A value that is wanted late is differentiated as the value itself", async () => {
  const b = load([4]);
  const again = late(b, "y", "c");
  const { model } = differentiate(
    makeModel({
      nodes: [
        ...b.nodes,
        makeNode("ReduceSumSquare", [again], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x, a: normal(2, [4]) },
      outputs: ["loss"],
    }),
    { output: "loss", trainable: ["x"] },
  );
  const { x_grad } = await runModel(model, { x, a: normal(2, [4]) });
  assert.deepEqual(x_grad!.data, x.data.map((v) => 2 * v));
});

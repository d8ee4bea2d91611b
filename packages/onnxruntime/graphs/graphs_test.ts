import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import { setUp } from "../engine/set_up.ts";
import { readSource } from "./source.ts";

Deno.test("a trainer differentiates once before its first step", async () => {
  const net = mlp();
  // Reading the nodes is what every differentiation does first.
  let reads = 0;
  const graph = net.model.graph!;
  const model = {
    ...net.model,
    graph: new Proxy(graph, {
      get(target, name) {
        if (name === "node") reads++;
        return Reflect.get(target, name);
      },
    }),
  };
  const setup = await setUp(nodeOrt, readSource({ model, loss: net.loss }), {});
  const before = reads;
  assert.ok(before > 0);
  await setup.graphs.training({ squares: false, curvature: undefined });
  assert.equal(reads, before);
  await setup.graphs.training({ squares: true, curvature: undefined });
  assert.ok(reads > before);
  await setup.dispose();
});

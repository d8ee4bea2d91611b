import assert from "node:assert/strict";
import { shortTurns } from "../overhead/interleaved.ts";
import { cnnCase, mlpCase, transformerCase } from "./cases.ts";
import { measureDifferentiation, measureRuns } from "./measure.ts";
import { onnxRow } from "./rows.ts";

const tiny = [
  mlpCase([6, 5, 10], 4),
  cnnCase(2),
  transformerCase({ width: 8, heads: 2, length: 3, batch: 2 }),
];

Deno.test("Every case runs: loss, gradient and squares, one after the other", async () => {
  for (const given of tiny) {
    const times = await measureRuns(given, { threads: 1, samples: 5, turns: shortTurns });
    assert.deepEqual(Object.keys(times).sort(), ["forward_ms", "gradient_ms", "squares_ms"]);
    assert.ok(Object.values(times).every((ms) => ms > 0 && ms < Infinity), given.name);
  }
});

Deno.test("A row has the ratios of its own times", () => {
  const differentiation = {
    nodes: 3,
    gradient_nodes: 20,
    differentiate_ms: 1,
    extra_memory_ratio: 0.1,
  };
  const run = { threads: 2, forward_ms: 2, gradient_ms: 5, squares_ms: 7 };
  const row = onnxRow("mlp", 5, differentiation, run);
  assert.equal(row.gradient_ratio, 2.5);
  assert.equal(row.squares_ratio, 1.4);
  assert.equal(onnxRow("mlp", 5, differentiation).gradient_ratio, null);
});

Deno.test("A first call is measured in a process of its own", async () => {
  const { nodes, gradient_nodes, differentiate_ms } = await measureDifferentiation("mlp", 1);
  assert.equal(nodes, 3); // Gemm, Relu, Gemm
  assert.ok(gradient_nodes > nodes && differentiate_ms > 0);
});

for (const name of ["resnet50", "transformer 12×768"]) {
  // How long it takes is for the benchmark to say.
  Deno.test(`${name} is differentiated with less than 10 % more memory`, async () => {
    const { nodes, gradient_nodes, extra_memory_ratio } = await measureDifferentiation(name, 1);
    assert.ok(gradient_nodes > 3 * nodes, `${gradient_nodes} nodes`);
    assert.ok(extra_memory_ratio < 0.1, `${100 * extra_memory_ratio} %`);
  });
}

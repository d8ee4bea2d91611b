import assert from "node:assert/strict";
import { operatorFiles, operatorRows } from "./operator_table.ts";

Deno.test("the table of docs/onnx_operators.md and the CLI's lists are those of the rules", () => {
  for (const { path, current, expected } of operatorFiles()) {
    assert.equal(current, expected, `${path.pathname} is out of date: deno task operators:write`);
  }
});

Deno.test("every rule gives both orders on its example, or says that there is none", () => {
  const without = operatorRows().filter((row) => row.first === false || row.second === false);
  assert.deepEqual(without, []);
});

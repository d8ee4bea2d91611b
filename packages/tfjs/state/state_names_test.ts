import assert from "node:assert/strict";
import { matchStates } from "./state_names.ts";

const named = (name: string, ...shape: number[]) => ({ name, shape });

Deno.test("matchStates() goes by name, whatever the order", () => {
  const found = matchStates([named("b", 2), named("a", 1), named("new", 9)], [
    named("a", 1),
    named("b", 2),
  ]);
  assert.deepEqual([...found], [["b", "b"], ["a", "a"]]);
});

Deno.test("matchStates() knows a name with the suffix of a second model, either way", () => {
  assert.deepEqual([
    ...matchStates([named("k_1", 2), named("b_1", 1)], [named("k", 2), named("b", 1)]),
  ], [
    ["k_1", "k"],
    ["b_1", "b"],
  ]);
  assert.deepEqual([...matchStates([named("k", 2)], [named("k_3", 2)])], [["k", "k_3"]]);
});

Deno.test("matchStates() goes by order only if no name is known and all shapes agree", () => {
  assert.deepEqual(
    [...matchStates([named("7", 2), named("8", 3)], [named("1", 2), named("2", 3)])],
    [
      ["7", "1"],
      ["8", "2"],
    ],
  );
  assert.throws(() => matchStates([named("7", 2)], [named("1", 3)]), {
    name: "TypeError",
    message:
      "Cannot restore the optimizer: no variable matches; saved are 1 [3], current are 7 [2]",
  });
});

Deno.test("matchStates() refuses another shape under the same name", () => {
  assert.throws(
    () => matchStates([named("dense/kernel", 784, 64)], [named("dense/kernel", 784, 128)]),
    {
      message: 'Cannot restore "dense/kernel": saved shape is [784,128], current shape is [784,64]',
    },
  );
});

Deno.test("matchStates() goes by order where numbers are the only names, also if some agree", () => {
  assert.deepEqual(
    [...matchStates([named("1", 2), named("2", 2)], [named("0", 2), named("1", 2)])],
    [["1", "0"], ["2", "1"]],
  );
});

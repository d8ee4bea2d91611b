import assert from "node:assert/strict";
import { matchStates } from "./state_names.ts";

const named = (name: string, ...shape: number[]) => ({ name, shape });
const pairs = (map: Map<string, string>) => Object.fromEntries(map);

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
  // The third copy of a layer, saved from the second.
  assert.deepEqual(
    pairs(matchStates([named("a/kernel_2", 2)], [named("a/kernel_1", 2)])),
    { "a/kernel_2": "a/kernel_1" },
  );
});

Deno.test("matchStates() takes no number of the user's for such a suffix", () => {
  for (const [now, saved] of [["w_3", "w_1"], ["net/w_3", "net/w_1"]] as const) {
    assert.throws(() => matchStates([named(now, 2)], [named(saved, 2)]), {
      name: "TypeError",
      message: `Cannot restore the optimizer: no variable matches; saved are ${saved} [2], ` +
        `current are ${now} [2]`,
    });
  }
  // w_3 has its own state, whatever else ends in a number.
  const saved = [named("w_1", 2), named("w_3", 2)];
  assert.deepEqual(pairs(matchStates([named("w_3", 2), named("w_2", 2)], saved)), { w_3: "w_3" });
  // Two that may be meant are none.
  assert.deepEqual(pairs(matchStates([named("w", 2), named("b", 1)], [...saved, named("b", 1)])), {
    b: "b",
  });
});

Deno.test("matchStates() refuses the states of another model of the same shapes", () => {
  const saved = [named("a/kernel", 2, 2), named("a/bias", 2)];
  const now = [named("b/kernel", 2, 2), named("b/bias", 2)];
  assert.throws(() => matchStates(now, saved), {
    message: "Cannot restore the optimizer: no variable matches; saved are a/kernel [2,2], " +
      "a/bias [2], current are b/kernel [2,2], b/bias [2]",
  });
});

Deno.test("matchStates() lets a first step train only variables that were never saved", () => {
  const [body, head] = [named("body/w", 2), named("head/w", 3)];
  assert.deepEqual(pairs(matchStates([head], [body], [body, head])), {});
  // The second copy of the body exists, too.
  assert.deepEqual(
    pairs(matchStates([head], [named("body/kernel", 2)], [named("body/kernel_1", 2), head])),
    {},
  );
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

const dense = (n: number, suffix = "") => [
  named(`dense_Dense${n}/kernel${suffix}`, 4, 4),
  named(`dense_Dense${n}/bias${suffix}`, 4),
];
const to = (from: number, into: number, suffix = "") => ({
  [`dense_Dense${into}/kernel${suffix}`]: `dense_Dense${from}/kernel`,
  [`dense_Dense${into}/bias${suffix}`]: `dense_Dense${from}/bias`,
});

Deno.test("matchStates() follows layers that are counted anew, although one number is known", () => {
  const saved = [...dense(1), ...dense(2)], now = [...dense(2), ...dense(3)];
  // Layer 2 of now is the first one.
  assert.deepEqual(pairs(matchStates(now, saved)), { ...to(1, 2), ...to(2, 3) });
});

Deno.test("matchStates() follows them from a step that trains a part", () => {
  const saved = [...dense(1), ...dense(2)], now = [...dense(5), ...dense(6)];
  const output = named("dense_Dense7/kernel", 4, 9);
  // Dense5 and Dense6 are the only two in a row that fit, so that Dense6 is the second.
  assert.deepEqual(pairs(matchStates(dense(6), saved, [...now, output])), {
    ...to(1, 5),
    ...to(2, 6),
  });
  // With Dense7 like them, Dense6 may be the first or the second.
  assert.throws(() => matchStates(dense(6), saved, [...now, ...dense(7)]), {
    name: "TypeError",
    message: /no variable matches for certain.+saved are dense_Dense1\/kernel \[4,4\]/,
  });
});

Deno.test("matchStates() knows the same layers beside new ones, and in a copy of the model", () => {
  const saved = [...dense(1), ...dense(2)];
  const [head] = dense(3);
  const present = [...dense(1), ...dense(2), ...dense(3)];
  // New head first, the body later; a head in place of the second layer; copies beside the originals.
  assert.deepEqual(
    pairs(matchStates([named("head", 9)], saved, [...present, named("head", 9)])),
    {},
  );
  assert.deepEqual(pairs(matchStates([...dense(1), head!], saved, present)), {
    ...to(1, 1),
    ...to(2, 2),
  });
  const copies = [...dense(1, "_1"), ...dense(2, "_1")];
  assert.deepEqual(pairs(matchStates(copies, saved, [...dense(1), ...dense(2), ...copies])), {
    ...to(1, 1, "_1"),
    ...to(2, 2, "_1"),
  });
});

Deno.test("matchStates() keeps apart layers of different classes and weights within wrappers", () => {
  const layer = (lstm: number, conv: number) => [
    named(`bidirectional_Bidirectional${lstm}/forward_lstm_LSTM${lstm}/kernel`, 3),
    named(`bidirectional_Bidirectional${lstm}/backward_lstm_LSTM${lstm}/kernel`, 3),
    named(`conv2d_Conv2D${conv}/kernel`, 3),
  ];
  const [saved, now] = [layer(1, 12), layer(4, 13)];
  const expected = Object.fromEntries(now.map(({ name }, i) => [name, saved[i]!.name]));
  assert.deepEqual(pairs(matchStates(now, saved)), expected);
  // Someone's own name that only looks alike.
  assert.throws(
    () => matchStates([named("my_Layer2/kernel", 3)], [named("my_Layer1/kernel", 3)]),
    { name: "TypeError", message: /no variable matches/ },
  );
});

Deno.test("matchStates() finds 40,000 numbered variables in seconds", () => {
  const list = (from: number) =>
    Array.from({ length: 40_000 }, (_, i) => named(String(from + i), 1));
  const [saved, now] = [list(0), list(50_000)];
  const found = matchStates(now, saved, [...saved, ...now]);
  assert.equal(found.size, 40_000);
  assert.equal(found.get("50007"), "7");
});

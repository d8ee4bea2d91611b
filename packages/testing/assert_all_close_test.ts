import assert from "node:assert/strict";
import { assertAllClose } from "./mod.ts";

Deno.test("assertAllClose() allows absolute + relative · |expected|, and no more", () => {
  assertAllClose([1 + 0.9e-6, -100], [1, -100]);
  assertAllClose([1e-9], [0], { absolute: 1e-9 });
  assertAllClose([10.29], [10], { relative: 0.02, absolute: 0.1 });
  for (
    const [actual, expected, tolerance] of [
      [1 + 1.1e-6, 1, {}],
      [1e-300, 0, {}],
      [10.31, 10, { relative: 0.02, absolute: 0.1 }],
      [-1, 1, { relative: 1 }],
    ] as const
  ) {
    assert.throws(() => assertAllClose([0, actual], [0, expected], tolerance), {
      name: "AssertionError",
      message: /^array\[1\] is /,
    });
  }
});

Deno.test("assertAllClose(): NaN equals nothing, an infinity itself", () => {
  assertAllClose([Infinity, -Infinity, 0], [Infinity, -Infinity, -0]);
  const loose = { relative: 1e9, absolute: 1e9 };
  for (
    const [a, e] of [[NaN, NaN], [NaN, 1], [1, NaN], [Infinity, 1], [1, Infinity], [
      Infinity,
      -Infinity,
    ]]
  ) {
    assert.throws(() => assertAllClose([a!], [e!], loose), { name: "AssertionError" });
  }
});

Deno.test("assertAllClose() names the array, the worst element and lengths that differ", () => {
  assert.throws(() => assertAllClose([1, 2.1, 4], [1, 2, 3], {}, "m"), {
    message: /^m\[2\] is 4, expected 3/,
  });
  assert.throws(() => assertAllClose([1], [1, 2], {}, "m"), {
    message: "m has 1 elements, expected 2",
  });
});

import assert from "node:assert/strict";
import { halfBits, halfValue } from "./half.ts";

Deno.test("halfValue() is what halfBits() takes, of every binary16", () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = halfValue(bits);
    if (Number.isNaN(value)) assert.ok((bits & 0x7fff) > 0x7c00);
    else assert.equal(halfBits(value), Object.is(value, -0) ? 0x8000 : bits, `${bits}`);
  }
  // 1 + 2⁻¹⁰, the largest number, the smallest
  assert.deepEqual([0x3c01, 0x7bff, 0x8001].map(halfValue), [1 + 2 ** -10, 65504, -(2 ** -24)]);
});

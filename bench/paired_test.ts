import assert from "node:assert/strict";
import { pairedInterval, typical } from "./paired.ts";

Deno.test("typical() is the median of the averages of all pairs", () => {
  // 1, 2, 6 themselves; 1.5, 3.5, 4 between them: the middle of 2 and 3.5.
  assert.equal(typical([1, 2, 6]), 2.75);
  assert.equal(typical([3]), 3);
});

Deno.test("typical() takes a difference beyond measure as one vote", () => {
  // −2, −2, −2; −2, −2 with ∞ are ∞ twice, and ∞ itself: the middle of −2 and ∞ is ∞.
  assert.equal(typical([-2, -2, Infinity]), Infinity);
  // 10 of 15 averages leave it out.
  assert.equal(typical([-2, -2, -2, -2, Infinity]), -2);
  // A win and a loss beyond measure are 0 on average.
  assert.equal(typical([-Infinity, Infinity]), 0);
});

Deno.test("typical() refuses no seed at all", () => {
  assert.throws(() => typical([]), /no seed that both have run/);
});

Deno.test("pairedInterval() of two seeds reaches from one to the other", () => {
  // Drawn again: both the first 1/4, both the second 1/4, one each 1/2; none of it below 2.5 %.
  assert.deepEqual(pairedInterval([4, 0]), { middle: 2, low: 0, high: 4 });
});

Deno.test("one seed that scatters a little does not make a tie", () => {
  // k copies of ½ among 5: of the 15 averages the 8th is −1 for k = 1 (10 of −1), −¼ for k = 2 and 3
  // (6 or 3 of −1, 6 of −¼) and ½ for k ≥ 4, with 5 · .2⁴ · .8 + .2⁵ = .7 %: less than 2.5 %.
  const { middle, low, high } = pairedInterval([-1, 0.5, -1, -1, -1]);
  assert.deepEqual([middle, low, high], [-1, -1, -0.25]);
});

Deno.test("one seed that never gets there does", () => {
  // As above, but the average of −1 and ∞ is ∞, the 8th for k = 2 (20 %).
  assert.deepEqual(pairedInterval([-1, Infinity, -1, -1, -1]), {
    middle: -1,
    low: -1,
    high: Infinity,
  });
});

for (const [seeds, wrong] of [[3, 2], [5, 4]] as const) {
  Deno.test(`of equal methods ${wrong} in ${2 ** seeds} differ over ${seeds} seeds`, () => {
    // Of equal methods every sign is as likely.
    let count = 0;
    for (let signs = 0; signs < 2 ** seeds; signs++) {
      const differences = Array.from(
        { length: seeds },
        (_, i) => (i + 1) * ((signs >> i) & 1 ? 1 : -1),
      );
      const { low, high } = pairedInterval(differences);
      if (low > 0 || high < 0) count++;
    }
    assert.equal(count, wrong);
  });
}

Deno.test("pairedInterval() is the same every time, and mirrors", () => {
  const values = Array.from({ length: 12 }, (_, i) => i * i - 30);
  const there = pairedInterval(values);
  assert.deepEqual(there, pairedInterval(values));
  assert.ok(there.low < there.middle && there.middle < there.high);
  const five = [1, 4, -2, 7, 11];
  const { low, middle, high } = pairedInterval(five);
  assert.deepEqual(pairedInterval(five.map((x) => -x)), {
    low: -high,
    middle: -middle,
    high: -low,
  });
});

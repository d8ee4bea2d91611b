import assert from "node:assert/strict";
import fc from "fast-check";
import { assertClose, steps } from "./_testing.ts";
import { referenceSignalFraction, type SignalFractionOptions } from "./signal_fraction.ts";
import type { Snapshot } from "./types.ts";

const factor = (inputs: number[][], options?: SignalFractionOptions) =>
  referenceSignalFraction(options)(steps(inputs));

Deno.test("referenceSignalFraction() matches exact rational arithmetic", () => {
  assertClose(factor([[1], [2]]), .8061224490, 1e-10);
  assertClose(factor([[1], [2], [3], [4]]), .7967778796, 1e-10);
  assertClose(factor([[1], [2]], { of: "mean" }), .8923900119, 1e-10);
  assertClose(factor([[1], [2]], { of: "mean", correction: "variance" }), .9028448739, 1e-10);
  // m²/(m² + D) = m²/v
  assertClose(factor([[1], [2]], { correction: "none" }), 1.5263157895 ** 2 / 2.5789473684, 1e-9);
  // m²/(m² + s)
  const m2 = 1.5263157895 ** 2;
  assertClose(factor([[1], [2]], { correction: "variance" }), m2 / (m2 + .5), 1e-9);
});

Deno.test("referenceSignalFraction() keeps T above floor·ρ", () => {
  const rho = (.81 + 1) / 1.9 ** 2; // weights .9/1.9 and 1/1.9
  assertClose(factor([[1], [-1]]), .5 * rho);
  assertClose(factor([[1], [-1]], { floor: .2 }), .2 * rho);
  assertClose(factor([[1], [-1]], { floor: 0 }), 0);
});

Deno.test("referenceSignalFraction() is 1 at the first step, and 0 where no gradient ever was", () => {
  assert.deepEqual([...factor([[3, 0, -2]])], [1, 0, 1]);
  assert.deepEqual([...factor([[0], [0], [0]], { scale: "unit-norm" })], [0]);
});

Deno.test("referenceSignalFraction() raises T to the exponent after the floor", () => {
  assertClose(factor([[1], [2]], { exponent: .5 }), Math.sqrt(.8061224490), 1e-10);
});

Deno.test("referenceSignalFraction() pools by summing N and M, not by averaging ratios", () => {
  // Element 1: N = m² − ρ s, M = v; row of [1,2] and [1,−1] at β = .9.
  const N = 2.0789473684 - 1, M = 2.5789473684 + 1;
  const inputs = [[1, 1], [2, -1]];
  assertClose(factor(inputs, { pool: "tensor" }), [N / M, N / M], 1e-9);
  assertClose(factor(inputs, { pool: "row" }), [N / M, N / M], 1e-9); // rank 1 is one row
  const column = { shape: [2, 1] };
  const rows = referenceSignalFraction({ pool: "row", floor: 0 })(steps(inputs, () => column));
  assertClose(rows, [.8061224490, 0], 1e-10);
});

Deno.test("referenceSignalFraction() with unit-norm keeps E‖Tx‖² = E‖x‖²", () => {
  const inputs = [[1, 5, -1], [2, -4, -3], [.5, 1, -2]];
  const T = factor(inputs);
  const scaled = factor(inputs, { scale: "unit-norm" });
  const ratio = scaled[0]! / T[0]!;
  assertClose(scaled, T.map((T) => T * ratio)); // one constant per tensor
  const energy = (f: ArrayLike<number>) =>
    [0, 1, 2].reduce((sum, i) => {
      const w = [.81, .9, 1].map((w) => w / 2.71);
      return sum + f[i]! ** 2 * w.reduce((v, w, t) => v + w * inputs[t]![i]! ** 2, 0);
    }, 0);
  assertClose(energy(scaled), energy([1, 1, 1]));
});

Deno.test("referenceSignalFraction() with lag is one step behind", () => {
  assert.deepEqual([...factor([[1]], { lag: true })], [1]);
  assert.deepEqual([...factor([[1], [2], [9]], { lag: true })], [...factor([[1], [2]])]);
});

// τ = 1, then 2 (warm-up), so that w = 1/2 at t = 2: x = 1, 3 → m = 2, D = 1, ρ = 1/2, s = 2,
// T = (4 − 1)/5. Then τ = (1 − 3/5)·2 + 1 = 9/5 and the third weight is 5/9.
Deno.test("referenceSignalFraction() adapts its memory by hand", () => {
  const options = { memory: "adaptive" } as const;
  assertClose(factor([[1], [3]], options), 3 / 5);
  const w = [2 / 9, 2 / 9, 5 / 9];
  const x = [1, 3, 2];
  const m = w.reduce((sum, w, i) => sum + w * x[i]!, 0);
  const D = w.reduce((sum, w, i) => sum + w * (x[i]! - m) ** 2, 0);
  const rho = w.reduce((sum, w) => sum + w * w, 0);
  assertClose(factor(x.map((x) => [x]), options), (m ** 2 - rho * D / (1 - rho)) / (m ** 2 + D));
});

Deno.test("referenceSignalFraction() would stay at τ = 1 for ever without a warm-up", () => {
  assertClose(factor([[1], [-2], [4], [-8]], { memory: "adaptive", warmup: 1 }), 1);
});

Deno.test("referenceSignalFraction() averages plainly during the warm-up", () => {
  const x = [1, 2, 4, 5]; // m = 3, D = 10/4, s = 10/3, ρ = 1/4
  const T = factor(x.map((x) => [x]), { memory: "adaptive", warmup: 10 });
  assertClose(T, (9 - 10 / 12) / (9 + 10 / 4));
});

// Batch {1, 2, 3, 6} as four micro-batches: T = 47/54.
const squares = (x: number, q: number, k: number): Partial<Snapshot> => ({
  input: Float64Array.of(x),
  gradientSquares: { input: Float64Array.of(q), raw: Float64Array.of(q) },
  microBatches: k,
});

Deno.test("referenceSignalFraction() from gradientSquares is the batch's own T", () => {
  const T = referenceSignalFraction({ from: "gradientSquares" });
  assertClose(T(steps([[3]], () => squares(3, 50 / 4, 4))), 47 / 54);
});

Deno.test("referenceSignalFraction() from gradientSquares averages first and divides last", () => {
  const T = referenceSignalFraction({ from: "gradientSquares", decay: .5 });
  const brought = [squares(3, 50 / 4, 4), {}, squares(1, 2, 4)];
  const seen = steps([[3], [7], [1]], (t) => brought[t]!);
  const a = (4 * 9 - 12.5) / 3, b = 9, a2 = (4 - 2) / 3, b2 = 1; // the step between brings nothing
  assertClose(T(seen), (a / 3 + a2 * 2 / 3) / (b / 3 + b2 * 2 / 3));
  assertClose(T(steps([[5]])), 1); // before any evidence
});

Deno.test("referenceSignalFraction() says that the squares were dropped", () => {
  const dropped = steps([[3]], () => ({
    gradientSquares: { raw: Float64Array.of(1) },
    microBatches: 4,
  }));
  const T = referenceSignalFraction({ from: "gradientSquares" });
  assert.throws(() => T(dropped), { name: "TypeError", message: /dropped the gradient squares$/ });
  assert.throws(() => T(steps([[3]], () => squares(3, 9, 0))), /microBatches must be at least 1/);
  assertClose(T(steps([[3]], () => squares(3, 9, 1))), 1); // one example tells nothing
});

Deno.test("referenceSignalFraction() refuses options out of range", () => {
  for (const bad of [{ decay: 1 }, { exponent: .3 }, { exponent: 0 }, { floor: -1 }]) {
    assert.throws(() => referenceSignalFraction(bad), RangeError);
  }
  assert.throws(() => referenceSignalFraction({ from: "gradientSquares", of: "mean" }), TypeError);
});

// Laws. Values away from underflow, whose squares are exact zeros.
const value = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-60, max: 1e15, noNaN: true }),
  fc.double({ min: -1e15, max: -1e-60, noNaN: true }),
);
const inputs = fc.integer({ min: 1, max: 4 }).chain((n) =>
  fc.array(fc.array(value, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 6 })
);
const options = fc.record({
  decay: fc.constantFrom(0, .5, .9),
  memory: fc.constantFrom("fixed", "adaptive"),
  of: fc.constantFrom("sample", "mean"),
  correction: fc.constantFrom("unbiased", "variance", "none"),
  exponent: fc.constantFrom(.5, 1, 2),
  scale: fc.constantFrom("absolute", "unit-norm"),
  pool: fc.constantFrom("element", "row", "tensor"),
  floor: fc.constantFrom(0, .5),
}) as fc.Arbitrary<SignalFractionOptions>;

Deno.test("referenceSignalFraction() is never NaN and never negative", () => {
  fc.assert(fc.property(inputs, options, (x, options) => {
    for (const T of factor(x, options)) assert.ok(T >= 0 && T < Infinity, `T is ${T}`);
  }));
});

Deno.test("referenceSignalFraction() does not change when the gradient is scaled", () => {
  fc.assert(fc.property(inputs, options, fc.constantFrom(2 ** -20, -2, 1024), (x, options, c) => {
    const scaled = x.map((x) => x.map((x) => c * x)); // powers of two: exact
    assertClose(factor(scaled, options), factor(x, options), 1e-9);
  }));
});

Deno.test("referenceSignalFraction() does not change under a diagonal rescaling", () => {
  fc.assert(fc.property(inputs, options, (x, options) => {
    const element = { ...options, pool: "element", scale: "absolute" } as const;
    const scaled = x.map((x) => x.map((x, i) => x * (-8) ** (i + 1)));
    assert.deepEqual([...factor(scaled, element)], [...factor(x, element)]);
  }));
});

Deno.test("referenceSignalFraction() follows a permutation of the elements", () => {
  fc.assert(fc.property(inputs, options, (x, options) => {
    const reversed = factor(x.map((x) => x.toReversed()), options).reverse();
    assertClose(reversed, factor(x, options), 1e-9); // sums in another order
  }));
});

Deno.test("referenceSignalFraction() is 1 without noise", () => {
  const g = fc.double({ min: 1e-60, max: 1e15, noNaN: true });
  fc.assert(fc.property(g, fc.integer({ min: 1, max: 8 }), options, (g, n, options) => {
    const still = Array.from({ length: n }, () => [g, -g]);
    assertClose(factor(still, options), [1, 1]);
  }));
});

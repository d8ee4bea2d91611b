import assert from "node:assert/strict";
import fc from "fast-check";
import { assertAllClose, random } from "@precond/testing";
import {
  chain,
  createOptimizer,
  scaleBy,
  signalFraction,
  type SignalFractionOptions,
} from "../mod.ts";

type Rows = readonly (readonly number[])[];

function updates(options: SignalFractionOptions, gradients: Rows, batchSizes: number[] = []) {
  const optimizer = createOptimizer(chain(scaleBy(signalFraction(options))));
  const all = gradients.map((gradient, t) => {
    const weights = new Float32Array(gradient.length);
    const step = { w: { weights, gradient: Float32Array.from(gradient) } };
    optimizer.step(step, { batchSize: batchSizes[t] });
    return weights.map((w) => -w);
  });
  return {
    last: all.at(-1)!,
    slot: (name: string) => optimizer.slot("w", "signalFraction." + name),
  };
}

/** Gradients over 1 … 8 steps of 1 … 6 elements, exact in float32 with room to square them. */
const histories: fc.Arbitrary<number[][]> = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.array(
    fc.array(fc.integer({ min: -300, max: 300 }).map((i) => i / 16), {
      minLength: n,
      maxLength: n,
    }),
    { minLength: 1, maxLength: 8 },
  )
);
const options: fc.Arbitrary<SignalFractionOptions> = fc.record({
  decay: fc.constantFrom(0, 0.5, 0.9, 0.99),
  memory: fc.constantFrom("fixed", "adaptive"),
  of: fc.constantFrom("sample", "mean"),
  correction: fc.constantFrom("unbiased", "variance", "none"),
  exponent: fc.constantFrom(0.5, 1, 1.375),
  floor: fc.constantFrom(0, 0.5),
  lag: fc.boolean(),
});
/** Powers of two scale without rounding: every comparison can be exact. */
const power = fc.integer({ min: -12, max: 12 }).map((i) => 2 ** i);
const exact = { numRuns: 200, seed: 5 };

Deno.test("T(c g) = T(g), bit for bit when c is a power of two", () => {
  fc.assert(
    fc.property(histories, options, power, fc.boolean(), (g, o, c, unit) => {
      const scaled = { ...o, scale: unit ? "unit-norm" : "absolute" } as const;
      const times = (x: number[]) => x.map((x) => c * x);
      const expected = [...updates(scaled, g).last].map((u) => c * u);
      assert.deepEqual([...updates(scaled, g.map(times)).last], expected);
    }),
    exact,
  );
});

Deno.test("T(c g) = T(g) for any c, to rounding", () => {
  const { normal } = random(8);
  const g = Array.from(
    { length: 9 },
    () => Array.from({ length: 50 }, (_, i) => 1 + i / 25 + normal()),
  );
  const expected = updates({}, g).last;
  for (const c of [-1, 3.7e-9, 1e8]) {
    const scaled = updates({}, g.map((row) => row.map((x) => c * x))).last;
    // Where T is small m² and ρs cancel: rounding of 1e-7 against a T of .025 or more.
    assertAllClose(scaled.map((u) => u / c), expected, { relative: 5e-5 });
  }
});

Deno.test("T does not change under any diagonal rescaling of g", () => {
  fc.assert(
    fc.property(histories, options, fc.array(power, { minLength: 6, maxLength: 6 }), (g, o, c) => {
      const expected = [...updates(o, g).last].map((u, i) => c[i]! * u);
      const scaled = g.map((row) => row.map((x, i) => c[i]! * x));
      assert.deepEqual([...updates(o, scaled).last], expected);
    }),
    exact,
  );
});

Deno.test("T is permutation equivariant", () => {
  fc.assert(
    fc.property(histories, options, fc.nat(), (g, o, seed) => {
      const { integer } = random(seed);
      const order = g[0]!.map((_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const permuted = (x: ArrayLike<number>) => order.map((i) => x[i]!);
      assert.deepEqual([...updates(o, g.map(permuted)).last], permuted(updates(o, g).last));
    }),
    exact,
  );
});

Deno.test("T is in [0, 1] and at least floor · ρ where there was a gradient", () => {
  fc.assert(
    fc.property(histories, options, fc.constantFrom(0, 0.5), (g, o, floor) => {
      // Only over steps with a factor that can be read off: those with a gradient.
      const { last } = updates({ ...o, exponent: 1, memory: "fixed", lag: false, floor }, g);
      const n = g.length, beta = o.decay!;
      const rho = beta === 0 ? 1 : (1 - beta) * (1 + beta ** n) / ((1 + beta) * (1 - beta ** n));
      last.forEach((u, i) => {
        const x = g.at(-1)![i]!;
        if (x === 0) return assert.equal(Math.abs(u), 0);
        assert.ok(u / x <= 1 + 1e-6 && u / x >= floor * rho * (1 - 1e-6), `T = ${u / x}`);
      });
    }),
    exact,
  );
});

/** Everything from the whole history, sample i weighing b_i β^(n−i), b = B/B_1. */
function wholeHistory(beta: number, x: readonly number[], batchSizes: readonly number[]) {
  const b = batchSizes.map((B) => B / batchSizes[0]!);
  const raw = b.map((b, i) => b * beta ** (x.length - 1 - i));
  const total = raw.reduce((a, b) => a + b);
  const w = raw.map((r) => r / total);
  const sum = (f: (i: number) => number) => x.reduce((s, _, i) => s + f(i), 0);
  const m = sum((i) => w[i]! * x[i]!);
  const D = sum((i) => w[i]! * (x[i]! - m) ** 2);
  const rho = sum((i) => w[i]! ** 2 / b[i]!); // Var[m] = ρσ² because Var[x_i] = σ²/b_i
  const s = D / (sum((i) => w[i]! / b[i]!) - rho); // E[D] = Σ ŵ_i Var[x_i] − Var[m]
  const g2 = m * m - rho * s;
  return { m, D, T: Math.max(g2 / (g2 + s / b.at(-1)!), rho / 2) };
}

Deno.test("batches of unequal size: m, D and T are those of the whole history", () => {
  const sizes = fc.array(fc.constantFrom(1, 2, 4, 7, 32), { minLength: 2, maxLength: 9 });
  fc.assert(
    fc.property(sizes, fc.constantFrom(0.5, 0.9, 0.99), fc.nat(), (batchSizes, decay, seed) => {
      const { normal } = random(seed);
      const x = batchSizes.map((B) => Math.fround(2 + normal() / Math.sqrt(B)));
      const expected = wholeHistory(decay, x, batchSizes);
      const { last, slot } = updates({ decay }, x.map((x) => [x]), batchSizes);
      assertAllClose(slot("m"), [expected.m]);
      assertAllClose(slot("d"), [expected.D], { relative: 1e-5, absolute: 1e-6 });
      assertAllClose([last[0]! / x.at(-1)!], [expected.T], { relative: 1e-5 });
    }),
    { numRuns: 200, seed: 6 },
  );
});

Deno.test("with batches of 1 and 4 signal and noise are unbiased: T is that of the newest batch", () => {
  // Pooled over n independent elements, T → Σμ²/(Σμ² + Σσ²/B): (1 + 1/3)/(4/3 + 2/B).
  const n = 40_000, { normal } = random(9);
  const mu = Float64Array.from({ length: n }, (_, i) => 2 * (i + 0.5) / n);
  for (const batchSizes of [[1, 4, 1, 4, 4, 1, 1, 4], [4, 1, 4, 1, 1, 4, 4, 1]]) {
    const rows = batchSizes.map((B) =>
      Array.from(mu, (m) => m + Math.SQRT2 * normal() / Math.sqrt(B))
    );
    const { last } = updates({ pool: "tensor", decay: 0.8 }, rows, batchSizes);
    const expected = (4 / 3) / (4 / 3 + 2 / batchSizes.at(-1)!);
    // Standard error of the pooled ratio: about 1/√n = .005 of the value.
    assertAllClose([last[0]! / rows.at(-1)![0]!], [expected], { relative: 0.02 });
  }
});

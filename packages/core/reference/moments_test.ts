import assert from "node:assert/strict";
import fc from "fast-check";
import { assertClose, normal } from "./_testing.ts";
import { batchMoments, emaRho, emaWeights, moments, twoHalves } from "./moments.ts";

const of = (samples: number[], decay = .9) => moments(samples, emaWeights(samples.length, decay));
const plugIn = (samples: number[]) => {
  const { mean, rho, variance } = of(samples);
  return mean ** 2 / (mean ** 2 + rho * variance);
};

// Exact rational arithmetic of the weighted moments; golden numbers to ten digits.
Deno.test("moments() matches exact rational arithmetic for gradients 1, 2, 3, 4", () => {
  const two = of([1, 2]);
  assertClose(
    [two.rho, two.mean, two.secondMoment, two.variance, two.signal],
    [.5013850416, 1.5263157895, 2.5789473684, .5, 2.0789473684],
    1e-10,
  );
  assertClose([two.fraction, two.fractionOfMean], [.8061224490, .8923900119], 1e-10);
  assertClose(plugIn([1, 2]), .9028448739, 1e-10);
  const four = of([1, 2, 3, 4]);
  assertClose(
    [four.rho, four.mean, four.secondMoment, four.variance, four.signal],
    [.2534549517, 2.6312881652, 8.1619656877, 1.6586919737, 6.5032737140],
    1e-10,
  );
  assertClose([four.fraction, four.fractionOfMean], [.7967778796, .9392802886], 1e-10);
  assertClose(plugIn([1, 2, 3, 4]), .9427561204, 1e-10);
});

Deno.test("moments() gives a negative signal to gradients that alternate", () => {
  const two = of([1, -1]);
  assertClose([two.variance, two.signal, two.fraction], [2, -1, -1]);
  assertClose(plugIn([1, -1]), .0027548209, 1e-10);
  const four = of([1, -1, 1, -1]);
  assertClose([four.variance, four.signal], [1.3357933579, -.3357933579], 1e-10);
});

Deno.test("moments() takes a single sample as all signal", () => {
  const { rho, variance, fraction, fractionOfMean } = of([-3]);
  assert.deepEqual([rho, variance, fraction, fractionOfMean], [1, 0, 1, 1]);
});

Deno.test("moments() is 0, not NaN, where there never was a gradient", () => {
  const { fraction, fractionOfMean } = of([0, 0, 0]);
  assert.deepEqual([fraction, fractionOfMean], [0, 0]);
});

const samples = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
  minLength: 2,
  maxLength: 12,
});
const decays = fc.double({ min: .05, max: .99, noNaN: true });

Deno.test("moments() splits the second moment: g² + s = m² + D", () => {
  fc.assert(fc.property(samples, decays, (x, decay) => {
    const { signal, variance, mean, spread, secondMoment } = of(x, decay);
    assertClose(signal + variance, mean ** 2 + spread, 1e-9); // 1 − ρ ≥ .09 costs a digit
    assert.equal(secondMoment, mean ** 2 + spread);
  }));
});

// s = Σ_{i<j} ŵ_i ŵ_j (x_i − x_j)² / Σ_{i≠j} ŵ_i ŵ_j: every pair says σ², and D needs no mean.
Deno.test("moments().variance is the weighted average of half squared differences", () => {
  fc.assert(fc.property(samples, decays, (x, decay) => {
    const w = emaWeights(x.length, decay);
    let [pairs, total] = [0, 0];
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) {
        pairs += w[i]! * w[j]! * (x[i]! - x[j]!) ** 2;
        total += 2 * w[i]! * w[j]!;
      }
    }
    const scale = Math.max(1, ...x.map((x) => x * x));
    assertClose(of(x, decay).variance / scale, pairs / total / scale, 1e-9);
  }));
});

Deno.test("moments() is unbiased for both moments of a noisy gradient", () => {
  const next = normal(1);
  const [n, runs, g, sigma] = [6, 40_000, .7, 1.5];
  let [signal, variance] = [0, 0];
  for (let k = 0; k < runs; k++) {
    const m = of(Array.from({ length: n }, () => g + sigma * next()), .8);
    signal += m.signal / runs;
    variance += m.variance / runs;
  }
  // standard errors about 1.2/√40,000 and 1.6/√40,000: five of them
  assertClose(signal, g ** 2, .03);
  assertClose(variance, sigma ** 2, .04 / sigma ** 2);
});

Deno.test("emaWeights() sum to 1, or to 1 − βᵗ without debiasing", () => {
  const total = (w: Float64Array) => w.reduce((a, b) => a + b, 0);
  assertClose(total(emaWeights(7, .9)), 1);
  assertClose(total(emaWeights(7, .9, { debias: false })), 1 - .9 ** 7);
  assert.deepEqual([...emaWeights(3, 0)], [0, 0, 1]);
});

Deno.test("emaRho() is the sum of squared weights, and tends to (1−β)/(1+β)", () => {
  for (const decay of [0, .5, .9, .999]) {
    for (const t of [1, 2, 3, 10, 100]) {
      const sum = emaWeights(t, decay).reduce((sum, w) => sum + w * w, 0);
      assertClose(emaRho(decay, t), sum);
    }
  }
  assertClose(emaRho(.9, 1e6), .1 / 1.9);
});

Deno.test("emaWeights() and emaRho() refuse a decay outside [0, 1)", () => {
  for (const decay of [1, -.1, NaN]) {
    assert.throws(() => emaWeights(2, decay), RangeError);
    assert.throws(() => emaRho(decay, 2), RangeError);
  }
});

Deno.test("batchMoments() of {1, 2, 3, 6} and of its halves", () => {
  const batch = batchMoments([1, 2, 3, 6]);
  assertClose([batch.signal, batch.varianceOfMean, batch.fraction], [47 / 6, 7 / 6, 47 / 54]);
  const halves = twoHalves((1 + 2) / 2, (3 + 6) / 2);
  assertClose([halves.signal, halves.varianceOfMean, halves.fraction], [27 / 4, 9 / 4, 3 / 4]);
});

const small = fc.integer({ min: -10_000, max: 10_000 });

Deno.test("batchMoments() of two samples is twoHalves()", () => {
  fc.assert(fc.property(small, small, (a, b) => {
    fc.pre(a + b !== 0);
    const [batch, halves] = [batchMoments([a, b]), twoHalves(a, b)];
    assertClose(batch.signal, halves.signal);
    assertClose(batch.varianceOfMean, halves.varianceOfMean);
    assertClose(batch.fraction * (a + b) ** 2, halves.fraction * (a + b) ** 2, 1e-9);
  }));
});

Deno.test("batchMoments() refuses one sample", () => {
  assert.throws(() => batchMoments([1]), /at least 2 samples are needed, got 1$/);
});

// Zero-signal floors of T_m, by the law of Gaussian noise: with F ~ m²/(ρ s), s known well,
// plug-in E[F/(F+1)] = .344, positive part E(1 − 1/F)₊ = .151, James–Stein E(1 − (d−2)/χ²_d)₊.
Deno.test("the floors of T_m without signal: plug-in .344, positive part .151", () => {
  const next = normal(2);
  const runs = 400_000;
  let [plugIn, positive] = [0, 0];
  for (let k = 0; k < runs; k++) {
    const F = next() ** 2;
    plugIn += F / (F + 1) / runs;
    positive += Math.max(0, 1 - 1 / F) / runs;
  }
  // standard deviations below .3: five standard errors are .0024
  assertClose(plugIn, .344, .0024);
  assertClose(positive, .151, .0024);
});

Deno.test("the floors of grouped James–Stein without signal: .195, .057, .018", () => {
  const next = normal(3);
  for (const [d, floor, runs] of [[10, .195, 40_000], [100, .057, 10_000], [1000, .018, 2_000]]) {
    let mean = 0;
    for (let k = 0; k < runs!; k++) {
      let chi2 = 0;
      for (let i = 0; i < d!; i++) chi2 += next() ** 2;
      mean += Math.max(0, 1 - (d! - 2) / chi2) / runs!;
    }
    assertClose(mean, floor!, .005); // five standard errors of at most .001, and the rounding
  }
});

// The same floors through the estimator itself: a long memory knows s almost exactly.
Deno.test("moments() reaches the zero-signal floors of T_m", () => {
  const next = normal(4);
  const runs = 6_000;
  const weights = emaWeights(400, .98);
  let [plugIn, positive] = [0, 0];
  for (let k = 0; k < runs; k++) {
    const m = moments(Float64Array.from({ length: 400 }, next), weights);
    plugIn += m.mean ** 2 / (m.mean ** 2 + m.rho * m.variance) / runs;
    positive += Math.max(0, m.fractionOfMean) / runs;
  }
  assertClose(plugIn, .344, .02); // five standard errors of .3/√6000
  assertClose(positive, .151, .02);
});

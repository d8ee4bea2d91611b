import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import { layout } from "../driver/backend.ts";
import { wasmBackend } from "../driver/wasm_backend.ts";
import {
  chain,
  clipByGlobalNorm,
  combined,
  learningRate,
  scaleBy,
  signalFraction,
  skipNonFinite,
  snrOnly,
} from "../mod.ts";
import {
  evidenceOf,
  merge,
  reportOf,
  seesGradient,
  summaryOf,
  summaryProgram,
  thresholds,
} from "./summary.ts";

// Five elements: T on a threshold, between two, 0 and 1; noise seen for two of them.
const arrays: Readonly<Record<string, Float32Array>> = {
  fraction: Float32Array.of(0.25, 0.3, 0, 1, 1),
  signal: Float32Array.of(1, 2, -1, 4, 0),
  noise: Float32Array.of(3, 5, 0, 0, 0),
  gradient: Float32Array.of(3, -5, 0, -2, 0),
};

for (const name of ["javascript", "wasm"] as const) {
  Deno.test(`summaryProgram() sums what summaryOf() reads, on ${name}`, async () => {
    const numbers = name === "wasm"
      ? await run(wasmBackend())
      : await run(arrayBackend("javascript"));
    const summary = summaryOf(numbers, 5);
    assert.deepEqual(
      [summary.signal, summary.noise, summary.noisy, summary.certain],
      [6, 8, 2, 1],
    );
    // 9/3 + 25/5
    assert.equal(summary.ratio, 8);
    // 2⁻², 2^(-3/2) ≈ .354 and 1 are thresholds.
    assert.deepEqual(
      summary.below,
      thresholds.map((t) => t < 0.25 ? 1 : t < 0.3 ? 2 : t < 1 ? 3 : 5),
    );
  });
}

async function run<A>(backend: ReturnType<typeof arrayBackend> | ReturnType<typeof wasmBackend>) {
  const { allocate, compile, read, write } =
    backend as unknown as import("../driver/backend.ts").Backend<A>;
  const program = summaryProgram();
  const [result] = compile(program).run([{
    ...layout([5]),
    inputs: program.inputs.map((input) => write(arrays[input.name]!, [5])),
    outputs: program.outputs.map(() => allocate([], 0)),
    scalars: new Float64Array(),
  }]);
  return await Promise.all(result!.outputs.map(async (array) => (await read(array))[0]!));
}

Deno.test("reports of merged summaries are those of all elements", () => {
  const below = (from: number) => thresholds.map((t) => t >= from ? 10 : 0);
  const a = summaryOf([4, 12, 6, 10, 0, ...below(0.25)], 10);
  const b = summaryOf([-8, 12, 3, 10, 0, ...below(1)], 10);
  const all = merge([a, b]);
  assert.equal(all.size, 20);
  // 1 − 9/20
  assert.equal(evidenceOf(all), 0.55);
  assert.equal(evidenceOf({ ...all, certain: 1 }), -Infinity);
  assert.equal(evidenceOf({ ...all, noisy: 0 }), NaN);
  const report = reportOf(a, 32);
  assert.deepEqual([report.fraction, report.noiseScale], [0.25, 96]);
  assert.deepEqual(report.quantiles, { p10: 0.25, p50: 0.25, p90: 0.25 });
  // No signal is seen: −4 in all.
  assert.deepEqual([reportOf(all, 32).fraction, reportOf(all, 32).noiseScale], [0, Infinity]);
  assert.deepEqual(reportOf(all, 32).quantiles, { p10: 0.25, p50: 0.25, p90: 1 });
});

Deno.test("seesGradient() is for signal fractions that come first, in no basis", () => {
  const sees = (definition: Parameters<typeof seesGradient>[0]) =>
    seesGradient(definition, [{ name: "w", shape: [3, 4] }]);
  const T = scaleBy(signalFraction()), rate = learningRate(0.1);
  assert.ok(sees(chain(T, rate)));
  assert.ok(sees(chain(skipNonFinite(), T, rate)));
  assert.ok(sees(snrOnly()));
  assert.ok(!sees(chain(clipByGlobalNorm(1), T, rate)));
  // In the basis the noise is that of other elements than the gradient's.
  assert.ok(!sees(combined()));
});

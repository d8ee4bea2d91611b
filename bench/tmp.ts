import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import { arrayBackend, wasmBackend, wasmHeap } from "@precond/core/backend";
await tf.setBackend("wasm");
await tf.ready();
console.log(
  "simd",
  await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"),
  "threads",
  await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT"),
);
const be = wasmBackend(wasmHeap());
const med = (t: number[]) => t.sort((a, b) => a - b)[t.length >> 1]!;
const cases: [number, number, number, boolean, boolean][] = [
  [128, 784, 128, false, false],
  [784, 784, 128, true, false],
  [784, 128, 128, false, true],
  [784, 128, 128, false, false],
  [128, 784, 128, true, false],
  [128, 784, 128, false, true],
  [256, 256, 256, false, false],
  [64, 64, 64, false, false],
  [16, 64, 64, false, false],
  [32, 32, 32, false, false],
  [16, 16, 16, false, false],
  [48, 196, 48, true, false],
  [16, 784, 128, false, false],
  [784, 16, 128, true, false],
];
for (const [m, k, n, tA, tB] of cases) {
  const A = new Float32Array(m * k).map(() => Math.random() - .5),
    B = new Float32Array(k * n).map(() => Math.random() - .5);
  const as = tA ? [k, m] : [m, k] as [number, number],
    bs = tB ? [n, k] : [k, n] as [number, number];
  const a = be.write(A, as), b = be.write(B, bs), out = be.allocate([m, n], 0);
  const ta = tf.tensor2d(A, as as any), tb = tf.tensor2d(B, bs as any);
  const call = [{ a, b, out, rows: m, inner: k, columns: n, transposeA: tA, transposeB: tB }];
  const reps = Math.max(1, Math.round(2e6 / (m * k * n)));
  const t1: number[] = [], t2: number[] = [], t3: number[] = [];
  const own = () => {
    for (let i = 0; i < reps; i++) be.multiply!(call);
  };
  const xnn = () => {
    for (let i = 0; i < reps; i++) tf.matMul(ta, tb, tA, tB).dispose();
  };
  // XNNPACK without the cache of packed b: new id each time
  const xnn2 = () => {
    for (let i = 0; i < reps; i++) {
      const bb = tf.tidy(() => tf.add(tb, 0));
      tf.matMul(ta, bb, tA, tB).dispose();
      bb.dispose();
    }
  };
  for (let i = 0; i < 40; i++) {
    for (const [f, t] of [[own, t1], [xnn, t2], [xnn2, t3]] as const) {
      const s = performance.now();
      f();
      if (i >= 10) t.push(performance.now() - s);
    }
  }
  const f = 2 * m * k * n * reps / 1e6;
  console.log(
    m,
    k,
    n,
    tA ? "T" : "N",
    tB ? "T" : "N",
    "own",
    (f / med(t1)).toFixed(1),
    "xnn",
    (f / med(t2)).toFixed(1),
    "xnn fresh b",
    (f / med(t3)).toFixed(1),
    "GFLOPS ratio",
    (med(t2) / med(t1)).toFixed(2),
  );
  tf.dispose([ta, tb]);
  be.dispose(a);
  be.dispose(b);
  be.dispose(out);
}

import assert from "node:assert/strict";
import { methodNamed } from "../methods.ts";
import { cellsOf } from "../suite.ts";
import { digits, pixels } from "./digits.ts";
import { halved } from "./image_problems.ts";
import { allProblems } from "./mod.ts";
import { addOnnxBackends } from "./onnx_learner.ts";
import { symbols, textOf } from "./text.ts";

addOnnxBackends();
const named = (name: string) => allProblems(false).find((problem) => problem.name === name)!;

/** The least loss of one set of outputs for all images: the entropy of their mean. */
function constantLoss(): number {
  const { x, count, features } = halved(digits().train);
  let loss = 0;
  for (let k = 0; k < features; k++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += x[i * features + k]! / count;
    if (mean > 0) loss -= mean * Math.log(mean) + (1 - mean) * Math.log(1 - mean);
  }
  return loss;
}

// What a network reaches that knows nothing of its input.
const ignorant: Readonly<Record<string, () => number>> = {
  resnet: () => Math.log(10) / 2,
  vae: constantLoss,
  gru: () => Math.log(symbols),
  transformer: () => Math.log(symbols),
};

for (const [name, bound] of Object.entries(ignorant)) {
  Deno.test(`${name} learns of its input`, async () => {
    const { curve, diverged } = await named(name).run({
      method: methodNamed("adam"),
      learningRate: 0.01,
      seed: 1,
      backend: "onnxruntime",
      tuning: true,
      breathe: () => Promise.resolve(),
    });
    const { trainLoss } = curve.at(-1)!;
    assert.ok(!diverged && trainLoss < bound(), `${trainLoss}, ${bound()}`);
  });
}

Deno.test("halved() has means of 2 × 2 pixels", () => {
  const x = Float32Array.from({ length: 2 * pixels }, (_, i) => i % pixels);
  const { x: small, features, count } = halved({
    count: 2,
    features: pixels,
    x,
    y: new Int32Array(2),
  });
  assert.deepEqual([features, count, small.length], [196, 2, 392]);
  // (0 + 1 + 28 + 29)/4, two columns on, two rows on, and the next image.
  assert.deepEqual([0, 1, 14, 196].map((i) => small[i]), [14.5, 16.5, 70.5, 14.5]);
});

Deno.test("the variational loss takes no method that samples curvature", () => {
  const vae = named("vae");
  assert.ok(!vae.accepts(methodNamed("curvature")) && vae.accepts(methodNamed("combined")));
  assert.ok(named("gru").accepts(methodNamed("curvature")));
});

Deno.test("another text makes other settings, and says its size", () => {
  const asked = { full: false, backends: ["wasm"], seeds: 1, problems: ["gru"], methods: ["adam"] };
  const text = textOf("mine.txt", "ab\n".repeat(2000));
  const [own, other] = [cellsOf(asked), cellsOf({ ...asked, text })].map(([cell]) => cell!);
  assert.notEqual(other!.settings, own!.settings);
  assert.match(other!.problem.about, /mine\.txt \(6000 bytes, [0-9a-f]{8}\)/);
});

// The Fisher is JᵀJ by the likelihood, whatever scale the loss has; the Gauss-Newton is by the loss.
import {
  chain,
  type CurvatureSource,
  empiricalFisher,
  fisher,
  gaussNewton,
  inverseCurvature,
  learningRate,
  scaleBy,
} from "@precond/core";
import { buildModel, type Loss } from "@precond/onnx";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import { Trainer } from "../trainer/trainer.ts";

/** The curvature that a step of rate 1 divides the gradient by. */
async function curvatureOf(source: CurvatureSource, loss: Loss, x: number): Promise<number> {
  const m = buildModel();
  m.output(
    m.op("Mul", [m.input("x", ["N", 1]), m.parameter("w", [1], Float32Array.of(1))], {}, "y"),
  );
  const curvature = inverseCurvature(source, { decay: 0, damping: 0, debias: false });
  const trainer = await Trainer.create(nodeOrt, { model: m.build(), loss }, {
    optimizer: chain(scaleBy(curvature), learningRate(1)),
  });
  await trainer.step({
    x: { data: Float32Array.of(x), dims: [1, 1] },
    labels: { data: Float32Array.of(0), dims: [1, 1] },
  });
  const [gradient] = await trainer.gradient("w");
  const [w] = await trainer.parameter("w");
  await trainer.release();
  return gradient! / (1 - w!);
}

Deno.test("fisher() is JᵀJ where gaussNewton() has the scale of the loss", async () => {
  // y = w x, x = 3. Gauss-Newton of (y − t)²: J² · 2 = 18; the likelihood has unit variance: J² = 9. The
  // noise of both samples is a sign, so that in one dimension they are exact.
  const loss = { type: "mse" } as const;
  const close = (a: number, b: number, within: number) =>
    assert.ok(Math.abs(a - b) <= within, `${a}, expected ${b}`);
  close(await curvatureOf(gaussNewton({ every: 1 }), loss, 3), 18, 1e-3);
  close(await curvatureOf(fisher({ every: 1 }), loss, 3), 9, 1e-3);
});

Deno.test("the curvature of a single example is its squared gradient, also in the first batch", async () => {
  const m = buildModel();
  m.output(
    m.op("Mul", [m.input("x", ["N", 1]), m.parameter("w", [1], Float32Array.of(2))], {}, "y"),
  );
  const source = empiricalFisher({ from: "gradientSquares" });
  const trainer = await Trainer.create(nodeOrt, { model: m.build(), loss: { type: "mse" } }, {
    optimizer: chain(scaleBy(inverseCurvature(source, { damping: 0 })), learningRate(0.5)),
  });
  for (let step = 0; step < 2; step++) {
    await trainer.setParameter("w", Float32Array.of(2));
    await trainer.step({
      x: { data: Float32Array.of(3), dims: [1, 1] },
      labels: { data: Float32Array.of(1), dims: [1, 1] },
    });
    // (3 · 2 − 1)²: g = 30, h = 900, and the step .5 · 30/900.
    const [w] = await trainer.parameter("w");
    assert.ok(Math.abs(w! - (2 - 0.5 / 30)) < 1e-6, `${w}`);
  }
  await trainer.release();
});

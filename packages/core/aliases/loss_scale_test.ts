/** A law: where a method promises it, multiplying the loss by a constant leaves the path as it is. */
import { assertAllClose, random } from "@precond/testing";
import * as core from "../mod.ts";
import type { Definition } from "../mod.ts";

const invariant: Readonly<Record<string, () => Definition>> = {
  snrOnly: core.snrOnly,
  curvatureOnly: core.curvatureOnly,
  combined: core.combined,
  adam: core.adam,
  adamW: core.adamW,
  adamax: core.adamax,
  nadam: core.nadam,
  lion: core.lion,
  // Its ε stands inside the root, where small gradients meet it.
  rmsProp: () => core.rmsProp({ epsilon: 1e-14 }),
  diagonalNewton: () => core.diagonalNewton({ curvature: core.userCurvature() }),
  signalNewton: () => core.signalNewton({ curvature: core.userCurvature() }),
  naturalSnr: () => core.naturalSnr({ curvature: core.userCurvature() }),
  vSgd: () => core.vSgd({ curvature: core.userCurvature() }),
  sophia: () => core.sophia({ curvature: core.userCurvature() }),
  adaHessian: () => core.adaHessian({ curvature: core.userCurvature() }),
};

/** Weights after steps on a noisy quadratic whose loss is multiplied by `scale`. */
function train(make: () => Definition, scale: number): Float32Array {
  const { normal, uniform } = random(21);
  const h = Float32Array.from({ length: 12 }, () => 0.5 + uniform());
  const weights = Float32Array.from({ length: 12 }, normal);
  const optimizer = core.createOptimizer(make(), { lowering: "javascript" });
  for (let step = 0; step < 40; step++) {
    const gradient = weights.map((w, i) => scale * (h[i]! * w + normal()));
    const curvature = h.map((x) => scale * x);
    optimizer.step({ w: { weights, gradient, curvature, shape: [4, 3] } });
  }
  return weights;
}

for (const [name, make] of Object.entries(invariant)) {
  Deno.test(`${name}() takes the same path whatever the loss is multiplied by`, () => {
    const expected = train(make, 1);
    // Powers of two round alike; what is left is ε beside √v.
    for (const scale of [2 ** 7, 2 ** -5]) {
      assertAllClose(
        train(make, scale),
        expected,
        { relative: 1e-4, absolute: 1e-4 },
        `× ${scale}`,
      );
    }
  });
}

import { init, numpy as np, tree } from "@jax-js/jax";
import { random } from "@precond/testing";
import assert from "node:assert/strict";
import {
  adam,
  applyUpdates,
  type Definition,
  diagonalNewton,
  empiricalFisher,
  fisher,
  gaussNewton,
  hutchinson,
  type Likelihood,
  precond,
  sgd,
  signalNewton,
  signalSgd,
  userCurvature,
  valueAndEvidence,
} from "../mod.ts";

await init("cpu", "wasm");

const matrix = (rows: number, columns: number, seed: number) => {
  const { normal } = random(seed);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, normal));
};
const array = (values: number[] | number[][]) => {
  const flat = Float32Array.from(values.flat());
  const columns = Array.isArray(values[0]) ? [values[0].length] : [];
  return np.array(flat, { shape: [values.length, ...columns] });
};
const close = (found: unknown, expected: readonly number[], tolerance = 2e-5) => {
  const list = (found as number[][]).flat(3);
  assert.equal(list.length, expected.length);
  list.forEach((x, i) => {
    const allowed = tolerance * (1 + Math.abs(expected[i]!));
    assert.ok(Math.abs(x - expected[i]!) <= allowed, `[${i}] is ${x}, expected ${expected[i]}`);
  });
};
const newton = (curvature: Parameters<typeof diagonalNewton>[0] & object) =>
  diagonalNewton({ curvatureWarmup: 1, ...curvature });
const squaresOnly = () => signalSgd({ from: "gradientSquares" });
/** What is measured of parameters before the first step. */
function measured(
  definition: Definition,
  f: (params: np.Array, ...example: np.Array[]) => np.Array,
  params: np.Array,
  batch: np.Array[],
  options: Parameters<typeof valueAndEvidence>[2] = {},
) {
  const solver = precond(definition);
  const state = solver.init(params.ref);
  const measure = valueAndEvidence(f, solver, options);
  const [value, gradients, evidence] = measure(params, state, ...batch);
  const { gradientSquares, curvature, ...counts } = evidence;
  const found = {
    value: value.js() as number,
    gradients: gradients.js(),
    gradientSquares: gradientSquares?.js(),
    curvature: curvature?.js(),
    ...counts,
  };
  measure.dispose();
  state.dispose();
  return found;
}

/** Half squared error of one example, w [3, 2]. */
const half = (w: np.Array, x: np.Array, y: np.Array) =>
  np.square(np.matmul(x, w).sub(y)).sum().mul(0.5);

Deno.test("value, gradients and squares are the means over single examples", () => {
  const [w, x, y] = [matrix(3, 2, 1), matrix(5, 3, 2), matrix(5, 2, 3)];
  const residual = x.map((row, b) =>
    [0, 1].map((j) => row.reduce((s, v, i) => s + v * w[i]![j]!, -y[b]![j]!))
  );
  const each = x.map((row, b) => row.flatMap((v) => residual[b]!.map((r) => v * r)));
  const mean = (f: (g: number) => number) =>
    each[0]!.map((_, k) => each.reduce((s, g) => s + f(g[k]!), 0) / 5);
  for (const jit of [true, false]) {
    for (const [definition, squares] of [[squaresOnly(), true], [adam(), false]] as const) {
      const found = measured(definition, half, array(w), [array(x), array(y)], { jit });
      close([found.value], [residual.reduce((s, [a, b]) => s + (a! ** 2 + b! ** 2) / 2, 0) / 5]);
      close(found.gradients, mean((g) => g));
      assert.equal(found.batchSize, 5);
      assert.equal(found.microBatches, squares ? 5 : undefined);
      if (squares) close(found.gradientSquares, mean((g) => g * g));
      else assert.equal(found.gradientSquares, undefined);
      assert.equal(found.curvature, undefined);
    }
  }
  // One example has no noise to tell.
  const single = measured(squaresOnly(), half, array(w), [
    array(x.slice(0, 1)),
    array(y.slice(0, 1)),
  ]);
  assert.equal(single.gradientSquares, undefined);
  close(single.gradients, each[0]!);
});

Deno.test("likelihoods give the losses they name, and gradients also at zero", () => {
  const z = [0, 0, 1.5, -40, 90, 0.25];
  const zero = np.zeros([6]);
  zero.dispose();
  const read = (likelihood: Likelihood, y: np.Array, f = (w: np.Array, x: np.Array) => w.mul(x)) =>
    measured(adam(), f, array(z), [array([[1, 1, 1, 1, 1, 1]]), y], { likelihood });
  const labels = [0, 1, 1, 1, 0, 0.5];
  const bernoulli = read("bernoulli", array([labels]));
  close([bernoulli.value], [
    z.reduce(
      (s, v, i) => s + Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - labels[i]! * v,
      0,
    ),
  ]);
  close(bernoulli.gradients, z.map((v, i) => 1 / (1 + Math.exp(-v)) - labels[i]!));
  const gaussian = read("gaussian", array([labels]));
  close([gaussian.value], [z.reduce((s, v, i) => s + (v - labels[i]!) ** 2 / 2, 0)]);
  const total = z.reduce((s, v) => s + Math.exp(v - 90), 0);
  const softmax = z.map((v) => Math.exp(v - 90) / total);
  const byClass = read("categorical", np.array(Int32Array.of(2)));
  const byOneHot = read("categorical", array([[0, 0, 1, 0, 0, 0]]));
  for (const found of [byClass, byOneHot]) {
    close([found.value], [90 + Math.log(total) - 1.5]);
    close(found.gradients, softmax.map((p, i) => p - Number(i === 2)));
  }
  // All zero, as where training begins: ties everywhere.
  const begin = measured(adam(), (w, x) => w.mul(x), np.zeros([2]), [
    array([[1, 1]]),
    array([[1, 0]]),
  ], {
    likelihood: "categorical",
  });
  close([begin.value, ...begin.gradients], [Math.LN2, -0.5, 0.5]);
});

Deno.test("Hutchinson's sample is z ∘ Hz: the diagonal where H is diagonal, h₁₁ ± h₁₂ where it is not", () => {
  const definition = newton({ curvature: hutchinson() });
  const scales = [0.5, 2, -3, 40];
  // f = Σ aᵢ wᵢ² / 2
  const diagonal = (w: np.Array, a: np.Array) => np.square(w).mul(a).sum().mul(0.5);
  const found = measured(definition, diagonal, array([1, 2, 3, 4]), [array([scales, scales])]);
  close(found.curvature, scales, 1e-6);
  // ½ wᵀ H w with H = [2 1; 1 3]
  const seen = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    const coupled = measured(
      definition,
      (w, h) => np.matmul(w.ref, np.matmul(h, w)).mul(0.5),
      array([1, 1]),
      [array([2, 1, 1, 3]).reshape([1, 2, 2])],
      { seed },
    );
    seen.add(coupled.curvature.map((v: number) => Math.round(v)).join());
    close(coupled.curvature, coupled.curvature.map((v: number) => Math.round(v)), 1e-6);
  }
  assert.deepEqual([...seen].sort(), ["1,2", "3,4"]);
});

Deno.test("Gauss-Newton samples: exact where every label gives the same, else of the right mean", () => {
  const x = [3, -2, 0.5];
  for (const source of [gaussNewton(), fisher()]) {
    const definition = newton({ curvature: source });
    // Two classes, logits 0: (½)² x² whatever is drawn.
    const logits = (w: np.Array, x: np.Array) => np.matmul(x, w);
    const softmax = measured(definition, logits, np.zeros([3, 2]), [
      array([x]),
      np.array(Int32Array.of(1)),
    ], {
      likelihood: "categorical",
    });
    close(softmax.curvature, x.flatMap((v) => [v * v / 4, v * v / 4]));
    const sigmoid = measured(definition, (w, x) => np.sum(w.mul(x)), np.zeros([3]), [
      array([x]),
      array([1]),
    ], {
      likelihood: "bernoulli",
    });
    close(sigmoid.curvature, x.map((v) => v * v / 4));
    // f = w, 10,000 outputs: ε², of mean 1 and variance 2; B = 4 draws of mean 0 add up.
    const many = measured(definition, (w, x) => w.mul(x), np.zeros([10_000]), [
      array([1, 1, 1, 1]),
      np.zeros([4, 10_000]),
    ], { likelihood: "gaussian" });
    const mean = (many.curvature as number[]).reduce((a, b) => a + b) / 10_000;
    assert.ok(Math.abs(mean - 1) < 5 * Math.sqrt(2 / 10_000), `${mean}`);
  }
});

Deno.test("samples are taken when due, drawn anew each time, and the same for the same seed", () => {
  const train = (seed: number) => {
    const solver = precond(
      signalNewton({
        curvature: gaussNewton({ every: 2 }),
        from: "gradientSquares",
        curvatureWarmup: 1,
      }),
    );
    const f = ({ w }: { w: np.Array }, x: np.Array) => np.matmul(x, w);
    const measure = valueAndEvidence(f, solver, { likelihood: "categorical", seed });
    const [x, y] = [array(matrix(8, 3, 4)), np.array(Int32Array.of(0, 1, 1, 0, 2, 2, 1, 0))];
    let params = { w: np.zeros([3, 3]) };
    let state = solver.init(tree.ref(params));
    const losses: number[] = [], samples: string[] = [], due: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      const [value, gradients, evidence] = measure(tree.ref(params), state, x.ref, y.ref);
      losses.push(value.js());
      due.push(evidence.curvature !== undefined);
      if (evidence.curvature) samples.push(String(evidence.curvature.w.ref.js()));
      const [updates, next] = solver.update(gradients, state, tree.ref(params), evidence);
      [params, state] = [applyUpdates(params, updates), next];
    }
    assert.deepEqual([x.refCount, y.refCount], [1, 1]);
    measure.dispose();
    state.dispose();
    tree.dispose([params, x, y]);
    return { losses, samples, due };
  };
  const [one, again, other] = [train(1), train(1), train(2)];
  assert.deepEqual(one.due, [true, false, true, false, true, false]);
  assert.deepEqual(one, again);
  assert.equal(new Set([...one.samples, ...other.samples]).size, 6);
  assert.ok(one.losses.at(-1)! < Math.log(3), `${one.losses}`);
});

Deno.test("parameters and batch are consumed once, what comes back is owned once", () => {
  for (
    const definition of [
      adam(),
      squaresOnly(),
      newton({ curvature: hutchinson() }),
      newton({ curvature: gaussNewton() }),
    ]
  ) {
    const solver = precond(definition);
    const f = ({ w, b }: { w: np.Array; b: np.Array }, x: np.Array) => np.matmul(x, w).add(b);
    const params = { w: array(matrix(3, 2, 1)), b: np.zeros([2]) };
    const state = solver.init(tree.ref(params));
    const [x, y] = [array(matrix(5, 3, 2)), array(matrix(5, 2, 3))];
    for (const jit of [true, false]) {
      const measure = valueAndEvidence(f, solver, { likelihood: "gaussian", jit });
      for (let i = 0; i < 2; i++) {
        const [value, gradients, evidence] = measure(tree.ref(params), state, x.ref, y.ref);
        assert.deepEqual([params.w, params.b, x, y].map((a) => a.refCount), [1, 1, 1, 1]);
        const { gradientSquares, curvature } = evidence;
        const made = [
          value,
          ...[gradients, gradientSquares, curvature].flatMap((t) => t ? [t.w, t.b] : []),
        ];
        assert.deepEqual(made.map((a) => a.refCount), made.map(() => 1));
        made.forEach((a) => a.dispose());
      }
      measure.dispose();
    }
    tree.dispose([params, x, y]);
    state.dispose();
  }
});

Deno.test("what cannot be measured is refused with what to do", () => {
  const f = (w: np.Array, x: np.Array) => w.mul(x).sum();
  assert.throws(() => valueAndEvidence(f, precond(newton({ curvature: gaussNewton() }))), {
    name: "TypeError",
    message:
      "Cannot gather evidence: gaussNewton() draws labels from the model; give { likelihood: … } and let f return predictions, or use hutchinson()",
  });
  assert.doesNotThrow(() => valueAndEvidence(f, precond(newton({ curvature: userCurvature() }))));
  const solver = precond(adam());
  assert.throws(
    () => valueAndEvidence(f, solver, { likelihood: "softmax" as "gaussian" }),
    /likelihood must be "categorical", "bernoulli" or "gaussian"/,
  );
  assert.throws(
    () => valueAndEvidence(f, solver, { sed: 1 } as never),
    /"sed" is no option, did you mean seed\?/,
  );
  assert.throws(() => valueAndEvidence(3 as never, solver), /f must be a function/);
  assert.throws(
    () => valueAndEvidence(f, adam() as never),
    /the solver's definition must be an optimizer/,
  );
  const state = solver.init(np.zeros([2]));
  const measure = valueAndEvidence(f, solver);
  const params = np.zeros([2]);
  const [x, y] = [np.ones([3, 2]), np.ones([4])];
  assert.throws(
    () => measure(params, state, x, y),
    /as many as the others; current shapes are \[3,2\], \[4\]/,
  );
  assert.throws(
    () => measure(params, state, ...[] as unknown as [np.Array]),
    /current shapes are none/,
  );
  assert.throws(() => measure(params, state, np.zeros([0, 2])), /current shapes are \[0,2\]/);
  assert.deepEqual([params, x, y].map((a) => a.refCount), [1, 1, 1]);
  state.dispose();
});

Deno.test("a batch of one gives empirical Fisher its square, and no noise", () => {
  const f = (w: np.Array, x: np.Array) => np.dot(w, x);
  const one = () => [array([2, 3]), array([[3, -4]])] as const;
  const source = empiricalFisher({ from: "gradientSquares" });
  const [w, x] = one();
  const fisher = measured(newton({ curvature: source }), f, w, [x]);
  assert.deepEqual([fisher.gradientSquares, fisher.microBatches], [[9, 16], 1]);
  const [v, y] = one();
  assert.equal(measured(squaresOnly(), f, v, [y]).gradientSquares, undefined);
});

Deno.test("losses that are no scalars, and labels that would be stretched, are refused", () => {
  const refused = (...given: Parameters<typeof measured>) =>
    assert.throws(() => measured(...given), (error: Error) => {
      assert.match(
        error.message,
        /^Cannot gather evidence: f (must return the loss|gives predict)/,
      );
      return error.name === "TypeError";
    });
  const batch = () => array([[1, 2], [3, 4]]);
  refused(sgd(), (w, x) => w.mul(x), array([1, 2]), [batch()]);
  const likely: [Likelihood, np.Array][] = [
    ["gaussian", np.ones([2])],
    ["bernoulli", np.ones([2, 1])],
    ["categorical", np.ones([2, 1])],
  ];
  for (const [likelihood, labels] of likely) {
    const f = (w: np.Array, x: np.Array) => w.mul(x);
    refused(sgd(), f, array([1, 2]), [batch(), labels], { likelihood });
  }
});

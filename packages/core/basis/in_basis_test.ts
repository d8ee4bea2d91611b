import assert from "node:assert/strict";
import { assertAllClose, random } from "@precond/testing";
import {
  chain,
  createOptimizer,
  decoupledWeightDecay,
  type Definition,
  gaussNewton,
  inBasis,
  inverseCurvature,
  kronecker,
  learningRate,
  momentum,
  scaleBy,
  skipNonFinite,
} from "../mod.ts";
import { inverseRms, normalizedSignal } from "../pieces.ts";

type Matrix = readonly (readonly number[])[];

const flat = (m: Matrix) => Float32Array.from(m.flat());
const transposed = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((s, x, k) => s + x * b[k]![j]!, 0)));

const rotation = (angle: number, n: number, i: number, j: number): Matrix => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Array.from(
    { length: n },
    (_, r) =>
      Array.from(
        { length: n },
        (_, k) =>
          r === i && k === j
            ? -s
            : r === j && k === i
            ? s
            : r === k
            ? (r === i || r === j ? c : 1)
            : 0,
      ),
  );
};

const normals = (rows: number, columns: number, seed: number) => {
  const { normal } = random(seed);
  return (): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => normal()));
};

/** Weights after steps with these gradients, from 0. */
function train(
  definition: Definition,
  shape: readonly number[],
  gradients: readonly Float32Array[],
  lowering: "javascript" | "wasm" = "javascript",
): Float32Array {
  const optimizer = createOptimizer(definition, { lowering });
  const weights = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (const gradient of gradients) optimizer.step({ w: { weights, gradient, shape } });
  optimizer.dispose();
  return weights;
}

const inner = () => scaleBy(normalizedSignal());

for (const shape of [[7], [], [1, 5], [3, 4]]) {
  Deno.test(`without a side to rotate, a basis changes nothing: [${shape}]`, () => {
    const draw = normals(1, shape.reduce((a, b) => a * b, 1), 3);
    const gradients = Array.from({ length: 25 }, () => flat(draw()));
    const plain = chain(inner(), momentum(), learningRate(0.1));
    const based = chain(inBasis(kronecker({ maxSide: 2 }), inner()), momentum(), learningRate(0.1));
    assert.deepEqual(train(based, shape, gradients), train(plain, shape, gradients));
  });
}

Deno.test("where the eigenvectors are exact, rotating a layer's inputs and outputs rotates its path", () => {
  // The first step is in the layer's own coordinates: its rate is 0, and decay 0 keeps no memory of it.
  const definition = () =>
    chain(
      inBasis(
        kronecker({ every: 2, sides: "both" }),
        scaleBy(inverseRms({ decay: 0, epsilon: 0 })),
      ),
      momentum({ decay: 0.5 }),
      learningRate((n) => n < 2 ? 0 : 0.1),
    );
  const draw = normals(3, 3, 5);
  const gradients = Array.from({ length: 12 }, draw);
  const [u, v] = [rotation(0.7, 3, 0, 2), rotation(-0.4, 3, 0, 1)];
  const turn = (g: Matrix) => product(product(u, g), v);
  // momentum saw two updates of the unrotated steps: taken out by comparing changes after it forgot them.
  const late = (turned: boolean) => {
    const given = gradients.map((g) => flat(turned ? turn(g) : g));
    const optimizer = createOptimizer(definition(), { lowering: "javascript" });
    const weights = new Float32Array(9);
    const seen: Float32Array[] = [];
    for (let round = 0; round < 6; round++) {
      for (const gradient of given) {
        optimizer.step({ w: { weights, gradient, shape: [3, 3] } });
        seen.push(weights.slice());
      }
    }
    return seen.at(-1)!.map((w, i) => w - seen.at(-13)![i]!);
  };
  const rows = (w: Float32Array): Matrix => [0, 3, 6].map((i) => [...w.subarray(i, i + 3)]);
  const expected = flat(turn(rows(late(false))));
  assertAllClose(late(true), expected, { relative: 2e-3, absolute: 2e-3 }, "rotated path");
});

Deno.test("on a Kronecker-factored quadratic the split form is the exact H^-1/2, in one basis", () => {
  // Gradients √6 L^½ E R^½, E each unit matrix in turn: their second moment is R ⊗ L.
  const [q, p] = [rotation(0.5, 2, 0, 1), rotation(0.9, 3, 1, 2)];
  const root = (basis: Matrix, values: readonly number[], power: number): Matrix =>
    product(
      basis,
      product(
        values.map((x, i) => values.map((_, j) => i === j ? x ** power : 0)),
        transposed(basis),
      ),
    );
  const [l, r] = [[4, 0.25], [9, 1, 0.04]];
  const units = [0, 1].flatMap((i) =>
    [0, 1, 2].map((j) => [0, 1].map((a) => [0, 1, 2].map((b) => a === i && b === j ? 1 : 0)))
  );
  const gradients = units.map((e) =>
    flat(product(product(root(q, l, 0.5), e), root(p, r, 0.5))).map((x) => x * Math.sqrt(6))
  );
  const definition = chain(
    inBasis(
      kronecker({ decay: 0.998, every: 60, sides: "both" }),
      scaleBy(inverseRms({ decay: 0.999, epsilon: 0 })),
    ),
    learningRate(1),
  );
  const optimizer = createOptimizer(definition, { lowering: "javascript" });
  const weights = new Float32Array(6);
  for (let step = 0; step < 12000; step++) {
    optimizer.step({ w: { weights, gradient: gradients[step % 6]!, shape: [2, 3] } });
  }
  // Small, so that the averages stay as they are.
  const gradient: Matrix = [[0.01, -0.02, 0.005], [0.003, 0.007, -0.01]];
  weights.fill(0);
  optimizer.step({ w: { weights, gradient: flat(gradient), shape: [2, 3] } });
  const expected = flat(product(product(root(q, l, -0.5), gradient), root(p, r, -0.5)));
  // A memory of 1,000 steps, 6 in a cycle, leaves half a percent.
  assertAllClose(weights.map((w) => -w), expected, { relative: 1e-2, absolute: 1e-3 }, "H^-1/2 g");
});

for (const lowering of ["javascript", "wasm"] as const) {
  Deno.test(`saved in the middle and resumed, the path is the same to the bit: ${lowering}`, async () => {
    const draw = normals(6, 4, 11);
    const gradients = Array.from({ length: 50 }, () => flat(draw()));
    const make = () =>
      createOptimizer(
        chain(inBasis(kronecker({ every: 7 }), inner()), momentum(), learningRate(0.1)),
        { lowering },
      );
    const weights = new Float32Array(24);
    const step = (optimizer: ReturnType<typeof make>, w: Float32Array, gradient: Float32Array) =>
      optimizer.step({ w: { weights: w, gradient, shape: [6, 4] } });
    const one = make();
    for (const g of gradients.slice(0, 31)) step(one, weights, g);
    const bytes = await one.save();
    const again = weights.slice();
    const two = make();
    two.load(bytes);
    for (const g of gradients.slice(31)) {
      step(one, weights, g);
      step(two, again, g);
    }
    assert.deepEqual(again, weights);
    assert.deepEqual(await two.save(), await one.save());
  });
}

Deno.test("a held step leaves the basis alone", () => {
  const definition = () =>
    chain(
      skipNonFinite(),
      inBasis(kronecker({ every: 3 }), inner()),
      momentum(),
      learningRate(0.1),
    );
  const draw = normals(4, 3, 2);
  const gradients = Array.from({ length: 20 }, () => flat(draw()));
  const bad = flat(draw());
  bad[5] = NaN;
  const withBad = gradients.flatMap((g, i) => i % 6 === 4 ? [bad, g] : [g]);
  for (const lowering of ["javascript", "wasm"] as const) {
    assert.deepEqual(
      train(definition(), [4, 3], withBad, lowering),
      train(definition(), [4, 3], gradients, lowering),
    );
  }
});

Deno.test("an average that would not be finite is left out", () => {
  const definition = chain(inBasis(kronecker({ every: 2 }), inner()), learningRate(0.1));
  const optimizer = createOptimizer(definition, { lowering: "javascript" });
  const weights = new Float32Array(4);
  const step = (...gradient: number[]) =>
    optimizer.step({ w: { weights, gradient: Float32Array.from(gradient), shape: [2, 2] } });
  step(1, 2, 3, 4);
  const before = [...optimizer.slot("w", "basis.left") as Float32Array];
  step(1e30, 1, 1, 1);
  assert.deepEqual([...optimizer.slot("w", "basis.left") as Float32Array], before);
  assert.deepEqual(before, [5, 11, 11, 25]); // g gᵀ of the first step
});

Deno.test("a convolution's kernel is a matrix, its channels of output on one side", () => {
  const optimizer = createOptimizer(
    chain(inBasis(kronecker({ sides: "both" }), inner()), learningRate(0.1)),
    { lowering: "javascript" },
  );
  const weights = new Float32Array(2 * 2 * 3 * 5).fill(1);
  optimizer.step({ k: { weights, gradient: weights.slice(), shape: [2, 2, 3, 5] } });
  assert.equal(optimizer.slot("k", "basis.left").length, 12 ** 2);
  assert.equal(optimizer.slot("k", "basis.right").length, 5 ** 2);
});

Deno.test("inBasis() and chain() say what cannot be in a basis", () => {
  const basis = kronecker();
  assert.throws(
    () => inBasis(kronecker as never, inner()),
    { name: "TypeError", message: /must be a basis such as kronecker\(\).*a function; call it/ },
  );
  assert.throws(
    () => inBasis(basis, scaleBy(inverseCurvature(gaussNewton()))),
    { name: "TypeError", message: /"inverseCurvature" needs curvature, which is measured in/ },
  );
  assert.throws(
    () => chain(inBasis(basis, decoupledWeightDecay(0.1))),
    { name: "TypeError", message: /needs the weights.*put it after inBasis\(\)/ },
  );
  assert.throws(
    () => chain(inBasis(basis, skipNonFinite())),
    { name: "TypeError", message: /what holds steps belongs before inBasis\(\)/ },
  );
  assert.throws(
    () => chain(inBasis(basis, inner()), inBasis(basis, inner())),
    { name: "TypeError", message: /at most one inBasis\(\).*there are 2/ },
  );
  assert.throws(() => kronecker({ evry: 3 } as never), { message: /did you mean every/ });
});

import assert from "node:assert/strict";
import { EigenvalueDecomposition, inverse, Matrix } from "ml-matrix";
import { assertClose, normal, uniform } from "./_testing.ts";
import {
  newtonDiagonal,
  newtonNote,
  newtonPlain,
  newtonSplit,
  newtonUnconstrained,
  type QuadraticModel,
  quadraticObjective,
  type SplitBasis,
} from "./newton.ts";
import { naturalDiagonal, naturalNote, naturalSplit, naturalUnconstrained } from "./natural.ts";

const bases: SplitBasis[] = ["symmetricRoot", "eigenvectors", "cholesky"];
const orders = ["snr", "curvature"] as const;

const example: QuadraticModel = {
  curvature: [[2, 1], [1, 2]],
  gradient: [1, 1],
  noise: [[1, 0], [0, 0]],
};

/** A random model of n parameters: H and Var are A Aᵀ of normal matrices, with much noise or little. */
function randomModel(seed: number, diagonal = false): QuadraticModel {
  const next = normal(seed);
  const level = uniform(seed + 1e6);
  const n = 2 + Math.floor(4 * level());
  const psd = (floor: number, scale: number) => {
    const a = new Matrix(Array.from({ length: n }, () => Array.from({ length: n }, next)));
    const m = a.mmul(a.transpose()).mul(scale).add(Matrix.eye(n).mul(floor));
    return (diagonal ? Matrix.diag(m.diagonal()) : m).to2DArray();
  };
  return {
    curvature: psd(.05, 1),
    gradient: Array.from({ length: n }, next),
    noise: psd(0, 10 ** (4 * level() - 2)),
  };
}

const seeds = Array.from({ length: 400 }, (_, i) => i + 1);

Deno.test("the counterexample to the note, H⁻¹T: −1/6 by the note, −4/21 at the optimum", () => {
  const note = newtonNote(example, { first: "snr" });
  assertClose(note.factor, [1 / 2, 1]);
  assertClose(note.value, -1 / 6);
  const best = newtonDiagonal(example, { first: "snr" });
  assertClose(best.factor, [3 / 7, 5 / 7]);
  assertClose(best.value, -4 / 21);
});

Deno.test("the counterexample to the note, T H⁻¹: −1/6 by the note, −8/39 at the optimum", () => {
  const note = newtonNote(example, { first: "curvature" });
  assertClose(note.factor, [1 / 5, 1 / 2]);
  assertClose(note.value, -1 / 6);
  const best = newtonDiagonal(example, { first: "curvature" });
  assertClose(best.factor, [5 / 13, 11 / 13]);
  assertClose(best.value, -8 / 39);
});

for (const first of orders) {
  Deno.test(`newtonDiagonal() is a minimum among diagonal T, first "${first}"`, () => {
    for (const seed of seeds.slice(0, 50)) {
      const model = randomModel(seed);
      const { factor, value } = newtonDiagonal(model, { first });
      const Hinv = inverse(new Matrix(model.curvature.map((row) => [...row])));
      const next = normal(seed + 7);
      for (let k = 0; k < 5; k++) {
        const T = Matrix.diag([...factor].map((T) => T + .1 * next()));
        const P = first === "snr" ? Hinv.mmul(T) : T.mmul(Hinv);
        assert.ok(quadraticObjective(model, P.to2DArray()) >= value - 1e-12);
      }
      assert.ok(value <= newtonNote(model, { first }).value + 1e-9 * (1 + Math.abs(value)));
    }
  });

  // Found by search over random models; impossible for diagonal curvature.
  Deno.test(`the note's T can increase the expected loss, first "${first}"`, () => {
    const worst = Math.max(...seeds.map((seed) => newtonNote(randomModel(seed), { first }).value));
    assert.ok(worst > 0, `the worst change found is ${worst}`);
  });

  Deno.test(`newtonDiagonal() never increases the expected loss, first "${first}"`, () => {
    for (const seed of seeds) {
      assert.ok(newtonDiagonal(randomModel(seed), { first }).value <= 1e-12);
    }
  });
}

for (const basis of bases) {
  Deno.test(`newtonSplit() has the value −½ Σ (Bg)⁴/E(Bg_s)², basis "${basis}"`, () => {
    for (const seed of seeds) {
      const model = randomModel(seed);
      const { factor, preconditioner, value } = newtonSplit(model, basis);
      // D_i = b²/E gives Σ b⁴/E = Σ D b² = gᵀ BᵀDB g
      const g = Matrix.columnVector(model.gradient);
      const P = new Matrix(preconditioner);
      assertClose(value, -g.transpose().mmul(P).mmul(g).get(0, 0) / 2, 1e-9);
      assert.ok(factor.every((D) => D >= 0 && D <= 1 + 1e-12));
    }
  });

  Deno.test(`newtonSplit() is symmetric, PSD and no worse than Newton, basis "${basis}"`, () => {
    for (const seed of seeds) {
      const model = randomModel(seed);
      const { preconditioner, value } = newtonSplit(model, basis);
      const P = new Matrix(preconditioner);
      const size = P.norm();
      assert.ok(P.clone().sub(P.transpose()).norm() <= 1e-10 * size);
      const { realEigenvalues } = new EigenvalueDecomposition(
        P.clone().add(P.transpose()).div(2),
        { assumeSymmetric: true },
      );
      assert.ok(Math.min(...realEigenvalues) >= -1e-10 * size);
      assert.ok(value <= Math.min(0, newtonPlain(model).value) + 1e-9 * (1 + Math.abs(value)));
    }
  });
}

// The value by hand: Λ = (3, 1), U = (1,1)/√2, (1,−1)/√2; Bg = (√2/√3, 0),
// E(Bg_s)₁² = (2 + 1/2)/3 = 5/6: −½ (2/3)²/(5/6) = −4/15.
Deno.test("newtonSplit() in the eigenbasis of the counterexample changes the loss by −4/15", () => {
  assertClose(newtonSplit(example, "eigenvectors").value, -4 / 15);
});

Deno.test("all orders are T/h for diagonal curvature", () => {
  for (const seed of seeds.slice(0, 100)) {
    const model = randomModel(seed, true);
    const expected = model.gradient.map((g, i) =>
      g ** 2 / (g ** 2 + model.noise[i]![i]!) / model.curvature[i]![i]!
    );
    for (
      const { preconditioner } of [
        ...orders.map((first) => newtonDiagonal(model, { first })),
        ...orders.map((first) => newtonNote(model, { first })),
        ...bases.map((basis) => newtonSplit(model, basis)),
      ]
    ) {
      const P = new Matrix(preconditioner);
      assertClose(P.diagonal(), expected, 1e-8);
      assertClose(P.sub(Matrix.diag(P.diagonal())).norm(), 0, 1e-8);
    }
  }
});

Deno.test("every form is Newton's step without noise", () => {
  const model = { ...example, gradient: [1, 3], noise: [[0, 0], [0, 0]] };
  const step = (P: number[][]) => P.map((row) => row[0]! * 1 + row[1]! * 3);
  const newton = [(2 * 1 - 3) / 3, (-1 + 2 * 3) / 3]; // H⁻¹ = [[2, −1], [−1, 2]]/3
  for (
    const { preconditioner } of [
      ...bases.map((basis) => newtonSplit(model, basis)),
      newtonUnconstrained(model),
      newtonNote(model, { first: "curvature" }),
    ]
  ) assertClose(step(preconditioner), newton);
});

Deno.test("newtonUnconstrained() has the value −½ (gᵀH⁻¹g)(gᵀM⁻¹g) and beats every P near it", () => {
  // M = [[2,1],[1,1]], gᵀM⁻¹g = 1; gᵀH⁻¹g = 2/3
  assertClose(newtonUnconstrained(example).value, -1 / 3);
  for (const seed of seeds.slice(0, 50)) {
    const model = randomModel(seed);
    const { preconditioner, value } = newtonUnconstrained(model);
    const next = normal(seed + 9);
    const near = preconditioner.map((row) => row.map((p) => p + .1 * next()));
    const slack = 1e-9 * (1 + Math.abs(value));
    assert.ok(quadraticObjective(model, near) >= value - slack);
    for (const basis of bases) assert.ok(newtonSplit(model, basis).value >= value - slack);
    for (const first of orders) assert.ok(newtonDiagonal(model, { first }).value >= value - slack);
  }
});

Deno.test("newtonDiagonal() leaves out a parameter without gradient or noise", () => {
  const model = { curvature: [[2, 0], [0, 2]], gradient: [1, 0], noise: [[1, 0], [0, 0]] };
  for (const first of orders) assertClose(newtonDiagonal(model, { first }).factor, [1 / 2, 0]);
});

Deno.test("the natural gradient is the same with the Fisher matrix", () => {
  const model = { fisher: example.curvature, gradient: example.gradient, noise: example.noise };
  assertClose(naturalDiagonal(model).value, -4 / 21);
  assertClose(naturalNote(model, { first: "curvature" }).value, -1 / 6);
  assertClose(naturalSplit(model, "eigenvectors").value, -4 / 15);
  assertClose(naturalUnconstrained(model).value, -1 / 3);
});

Deno.test("F = per-example second moment and B = 1: T/F = g²/F², the noise counted once", () => {
  const [g, F] = [.5, 2];
  const { preconditioner } = naturalDiagonal({
    fisher: [[F]],
    gradient: [g],
    noise: [[F - g * g]],
  });
  assertClose(preconditioner[0], [g ** 2 / F ** 2]);
});

Deno.test("newton forms refuse matrices that are not square, symmetric, positive definite", () => {
  const refuse = (curvature: number[][], message: RegExp) =>
    assert.throws(() => newtonDiagonal({ ...example, curvature }), { message });
  refuse([[1, 0, 0], [0, 1, 0]], /must be square, current shape is \[2,3\]$/);
  refuse([[1, 2], [0, 1]], /must be symmetric, \[1,0\] is 0 and \[0,1\] is 2$/);
  refuse([[1, 2], [2, 1]], /must be positive definite$/);
  refuse([[NaN, 0], [0, 1]], /must be symmetric/);
  refuse([[1]], /the curvature is \[1,1\], the gradient is \[2\], the noise is \[2,2\]$/);
});

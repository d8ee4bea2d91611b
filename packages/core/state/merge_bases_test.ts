import { assertAllClose, random } from "@precond/testing";
import assert from "node:assert/strict";
import { chain, createOptimizer, inBasis, kronecker, mergeStates, scaleBy } from "../mod.ts";
import { momentum, signalFraction } from "../mod.ts";
import { inverseMaximum, inverseRms } from "../pieces.ts";
import { readSafetensors } from "./safetensors.ts";

const [rows, columns] = [3, 2];
const { normal } = random(5);
const definition = chain(
  inBasis(kronecker({ every: 2, sides: "both" }), scaleBy(inverseRms(), { to: momentum() })),
);

/** A client after some steps on gradients of its own. */
async function client(steps: number, made = definition) {
  const optimizer = createOptimizer(made);
  for (let i = 0; i < steps; i++) {
    const gradient = Float32Array.from({ length: rows * columns }, normal);
    optimizer.step({ w: { weights: new Float32Array(6), gradient, shape: [rows, columns] } });
  }
  return await optimizer.save();
}

const slotOf = (bytes: Uint8Array, slot: string): number[] => [
  ...readSafetensors(bytes).tensors.get(`w::${slot}`)!.values,
];
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const mix = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x / 4 + b[i]! * 0.75);

/** Q_L y Q_Rᵀ */
function straight(bytes: Uint8Array, slot: string): number[] {
  const [l, r] = ["left", "right"].map((side) => slotOf(bytes, `basis.${side}Vectors`));
  const y = slotOf(bytes, slot);
  return y.map((_, k) => {
    const [i, j] = [Math.floor(k / columns), k % columns];
    return sum(
      y.map((v, m) => l![i * rows + Math.floor(m / columns)]! * v * r![j * columns + m % columns]!),
    );
  });
}

Deno.test("without renewed eigenvectors all of a basis is merged exactly", async () => {
  const [a, b] = [await client(1), await client(1)];
  const merged = mergeStates([a, b], [0.25, 0.75], { definition });
  for (const slot of ["inverseRms.v", "inverseRms.to.m", "basis.left", "basis.rightVectors"]) {
    assertAllClose(slotOf(merged, slot), mix(slotOf(a, slot), slotOf(b, slot)), {
      relative: 1e-6,
      absolute: 1e-7,
    });
  }
});

Deno.test("with different eigenvectors averages of g gᵀ and first moments are merged exactly", async () => {
  const [a, b] = [await client(5), await client(5)];
  const merged = mergeStates([a, b], [0.25, 0.75], { definition });
  const close = { relative: 1e-5, absolute: 1e-6 };
  assertAllClose(
    slotOf(merged, "basis.left"),
    mix(slotOf(a, "basis.left"), slotOf(b, "basis.left")),
    close,
  );
  const m = "inverseRms.to.m";
  assertAllClose(straight(merged, m), mix(straight(a, m), straight(b, m)), close);
  // Rotations keep the sum of squares.
  const v = "inverseRms.v";
  assertAllClose(
    [sum(slotOf(merged, v))],
    [sum(slotOf(a, v)) / 4 + sum(slotOf(b, v)) * 0.75],
    close,
  );
  assert.ok(slotOf(merged, v).every((x) => x > 0));
  // The vectors diagonalise the merged average: Qᵀ A Q.
  const [A, Q] = [slotOf(merged, "basis.left"), slotOf(merged, "basis.leftVectors")];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const entry = sum(
        A.map((x, k) => Q[Math.floor(k / rows) * rows + i]! * x * Q[(k % rows) * rows + j]!),
      );
      assert.ok(Math.abs(entry) < 1e-5, `${entry}`);
    }
  }
  const resumed = createOptimizer(definition);
  resumed.load(merged);
  const weights = new Float32Array(6);
  resumed.step({ w: { weights, gradient: new Float32Array(6).fill(1), shape: [rows, columns] } });
  assert.ok(weights.every((x) => Number.isFinite(x) && x !== 0));
});

Deno.test("equal states in a basis are merged to themselves", async () => {
  const a = await client(5);
  const [merged, own] = [mergeStates([a, a], [0.5, 0.5], { definition }), a].map(readSafetensors);
  assert.deepEqual(merged!.tensors, own!.tensors);
});

Deno.test("what cannot turn with its basis is refused by name", async () => {
  for (
    const [stage, slot] of [
      [scaleBy(inverseMaximum()), "inverseMaximum.u"],
      [scaleBy(signalFraction({ memory: "adaptive" })), "signalFraction.spread"],
    ] as const
  ) {
    const definition = chain(inBasis(kronecker({ every: 2, sides: "both" }), stage));
    const states = [await client(3, definition), await client(3, definition)];
    assert.throws(() => mergeStates(states, [0.5, 0.5], { definition }), {
      name: "TypeError",
      message:
        `Cannot merge "w": ${slot} belongs to eigenvectors, which differ between the states; ` +
        "merge before the first of them is renewed, or let clients start each round afresh",
    });
  }
});

Deno.test("a basis of other sides is refused by name", async () => {
  const left = chain(
    inBasis(kronecker({ every: 2, sides: "left" }), scaleBy(inverseRms(), { to: momentum() })),
  );
  const states = [await client(1), await client(1, left)];
  assert.throws(() => mergeStates(states, [0.5, 0.5], { definition }), {
    name: "TypeError",
    message:
      /^Cannot merge "w": state 1 has a basis of the sides .*, state 2 .*; give kronecker\(\) sides$/,
  });
});

// Steps that write what is to be added to the weights, for hosts whose weights are not to be changed.
import assert from "node:assert/strict";
import {
  assertAllClose,
  basisCases,
  type ConformanceCase,
  conformanceCases,
  heldCases,
  testParameters,
  testSteps,
} from "@precond/testing";
import { adam, adamW, chain, momentum } from "../mod.ts";
import { arrayBackend, type Backend, createDriver, wasmBackend } from "../backend.ts";

/** Twelve steps of a case: the weights, and weights to which the updates were added in float32. */
function both<A>(backend: Backend<A>, test: Pick<ConformanceCase, "definition" | "plan">) {
  const parameters = testParameters();
  const [plain, adding] = [0, 0].map(() => createDriver(test.definition(), backend));
  const arrays = Object.entries(parameters).map(([name, { shape, weights }]) => ({
    name,
    shape,
    weights: backend.write(weights, shape),
    own: weights.slice(),
  }));
  const read = (array: A) => backend.read(array) as Float32Array;
  for (const { evidence, microBatches, batchSize } of testSteps(12, test.plan)) {
    const given = arrays.map(({ name, shape, weights }) => {
      const { gradient, curvature, gradientSquares } = evidence[name]!;
      const enter = (values: Float32Array | undefined) => values && backend.write(values, shape);
      return {
        ...{ name, shape, weights, gradient: enter(gradient)! },
        ...{ curvature: enter(curvature), gradientSquares: enter(gradientSquares) },
      };
    });
    const updating = given.map((contribution, i) => ({
      ...contribution,
      weights: backend.write(arrays[i]!.own, contribution.shape),
      update: backend.allocate(contribution.shape, NaN),
    }));
    const updates = adding!.step(updating, { microBatches, batchSize }).weights;
    updating.forEach(({ weights }, i) => {
      assert.deepEqual(read(weights), arrays[i]!.own, "the weights themselves");
      const update = read(updates[i]!);
      arrays[i]!.own.forEach((w, k, own) => own[k] = w + update[k]!);
    });
    plain!.step(given, { microBatches, batchSize });
  }
  assert.equal(adding!.iteration, plain!.iteration);
  return arrays.map(({ name, weights, own }) => [name, read(weights), own] as const);
}

Deno.test("weights and updates make the very steps that write the weights", async (t) => {
  for (const test of [...conformanceCases, ...heldCases, ...basisCases()]) {
    await t.step(test.name, () => {
      // Single precision throughout: exact. Doubles rounded once there, twice here: a bit a step.
      for (const [name, expected, found] of both(wasmBackend(), test)) {
        assert.deepEqual(found, expected, name);
      }
      const tolerance = { relative: 12 * 2 ** -23, absolute: 12 * 2 ** -23 };
      for (const [name, expected, found] of both(arrayBackend(), test)) {
        assertAllClose(found, expected, tolerance, name);
      }
    });
  }
});

Deno.test("weights may be left out where the chain does not read them, else are asked for by name", () => {
  const given = () => [
    { name: "w", shape: [1], gradient: Float32Array.of(2), update: Float32Array.of(NaN) },
  ];
  const free = createDriver(adam({ learningRate: 0.5 }), arrayBackend());
  const [update] = free.step(given()).weights;
  assert.ok(Math.abs(update![0]! + 0.5) < 1e-6);
  const bound = createDriver(adamW(), arrayBackend());
  assert.throws(() => bound.step(given()), {
    name: "TypeError",
    message: 'Cannot step "w": its chain reads the weights, which are not given',
  });
  assert.equal(bound.iteration, 0);
  assert.throws(() => bound.slot("w", "inverseRms.v"), { message: /no parameters yet/ });
  const without = [{ name: "w", shape: [1], gradient: Float32Array.of(2) }];
  assert.throws(() => free.step(without), { message: /reads the weights, which are not given/ });
});

Deno.test("updates for some parameters only are refused, and given arrays stay the caller's", () => {
  const backend = arrayBackend();
  const disposed: Float32Array[] = [];
  const fresh: Backend<Float32Array> = {
    ...backend,
    // Every output is a new array, as on hosts that cannot write in place.
    compile(program) {
      const kernel = backend.compile(program);
      return {
        run: (calls) =>
          kernel.run(calls.map((c) => ({ ...c, outputs: c.outputs.map((o) => o.slice()) }))),
      };
    },
    dispose: (array) => void disposed.push(array),
  };
  const driver = createDriver(chain(momentum({ decay: 0.5, form: "sum" })), fresh);
  const one = (name: string) => ({ name, shape: [1], gradient: Float32Array.of(1) });
  const update = Float32Array.of(7);
  assert.throws(
    () => driver.step([{ ...one("a"), update }, { ...one("b"), weights: new Float32Array(1) }]),
    { name: "TypeError", message: 'Cannot step: update is given for "a" but not for "b"' },
  );
  const [made] = driver.step([{ ...one("a"), update }]).weights;
  assert.deepEqual([...made!, ...update], [-1, 7]);
  assert.ok(!disposed.includes(update));
});

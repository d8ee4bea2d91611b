import { type Device, init, jit, numpy as np, tree } from "@jax-js/jax";
import { createOptimizer } from "@precond/core";
import { checkAliasRefusals, checkFailure, failureCases, random } from "@precond/testing";
import assert from "node:assert/strict";
import * as exported from "../mod.ts";
import {
  adam,
  adamW,
  applyUpdates,
  type ArrayTree,
  clipByGlobalNorm,
  combined,
  curvatureOnly,
  diagonalNewton,
  learningRate,
  mergeStates,
  precond,
  sgd,
  snrOnly,
  type SolverState,
  userCurvature,
} from "../mod.ts";

await init("cpu", "wasm");

const devices: readonly Device[] = ["wasm", "cpu"];
const array = (values: readonly number[], device: Device = "wasm", shape = [values.length]) =>
  np.array(Float32Array.from(values), { shape, device });
const values = (x: np.Array) => [...x.ref.dataSync() as Float32Array];
/** Five layers of lists and objects. */
const model = (device: Device) => ({
  layers: [
    { kernel: array([1, -2, 3, -4, 5, -6], device, [2, 3]), bias: array([0.5, 0.25, -1], device) },
    { kernel: array([2, 1, -1], device, [3, 1]), bias: array([3], device, []) },
  ],
  scale: array([7], device),
});

Deno.test("updates are those of optax.adam", () => {
  // optax 0.2: m̂ / (√v̂ + ε), bias-corrected; here in doubles.
  const [beta1, beta2, epsilon, rate] = [0.9, 0.999, 1e-8, 0.01];
  const { normal } = random(5);
  for (const device of devices) {
    const solver = precond(adam({ learningRate: rate, beta1, beta2, epsilon }));
    let state = solver.init(array([0, 0, 0, 0, 0], device));
    const m = new Float64Array(5), v = new Float64Array(5);
    for (let t = 1; t <= 20; t++) {
      const g = Float32Array.from(m, normal);
      const [updates, next] = solver.update(array([...g], device), state);
      state = next;
      const found = updates.dataSync() as Float32Array;
      found.forEach((update, i) => {
        m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
        v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
        const expected = -rate * (m[i]! / (1 - beta1 ** t)) /
          (Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon);
        assert.ok(Math.abs(update - expected) < 1e-6 * rate + 2e-6 * Math.abs(expected));
      });
    }
    state.dispose();
  }
});

Deno.test("trees keep their form, and each array its updates", () => {
  for (const device of devices) {
    const solver = precond(sgd({ learningRate: 0.5 }));
    const params = model(device);
    const state = solver.init(tree.ref(params));
    const [updates, next] = solver.update(tree.ref(params), state);
    const moved = applyUpdates(params, updates);
    assert.deepEqual(moved.layers[0]!.kernel.js(), [[0.5, -1, 1.5], [-2, 2.5, -3]]);
    assert.deepEqual(moved.layers[0]!.bias.js(), [0.25, 0.125, -0.5]);
    assert.deepEqual(moved.layers[1]!.kernel.js(), [[1], [0.5], [-0.5]]);
    assert.equal(moved.layers[1]!.bias.js(), 1.5);
    assert.deepEqual(moved.scale.js(), [3.5]);
    next.dispose();
  }
});

Deno.test("a scalar, an empty array, a formula, a transposed view and one array twice are parameters like others", () => {
  for (const device of devices) {
    const solver = precond(sgd({ learningRate: 1, momentum: 0.5 }));
    const make = () => {
      const shared = array([1, 2, 3, 4, 5, 6], device, [2, 3]);
      return {
        scalar: array([2], device, []),
        none: np.zeros([0, 3], { device }),
        formula: np.ones([200], { device }),
        turned: np.transpose(shared.ref),
        one: shared.ref,
        two: shared,
      };
    };
    let params = make();
    const given = make();
    let state = solver.init(tree.ref(params));
    for (let i = 0; i < 2; i++) {
      const [updates, next] = solver.update(tree.ref(given), state, tree.ref(params));
      params = applyUpdates(params, updates);
      state = next;
    }
    // The average of equal gradients is the gradient: w − 2 g, debiased or not as sgd says.
    const one = createOptimizer(sgd({ learningRate: 1, momentum: 0.5 }));
    const w = Float32Array.of(1, 4, 2, 5, 3, 6);
    const g = w.slice();
    for (let i = 0; i < 2; i++) one.step({ w: { weights: w, gradient: g } });
    assert.deepEqual(values(params.turned), [...w]);
    assert.deepEqual(values(params.one), [w[0], w[2], w[4], w[1], w[3], w[5]]);
    assert.deepEqual(values(params.two), values(params.one));
    assert.deepEqual(values(params.scalar), [w[2]]);
    assert.deepEqual(new Set(values(params.formula)), new Set([w[0]]));
    assert.deepEqual(params.none.shape, [0, 3]);
    // What was given is what it was.
    assert.deepEqual(given.two.ref.js(), [[1, 2, 3], [4, 5, 6]]);
    tree.dispose([params, given]);
    state.dispose();
  }
});

Deno.test("what is given is consumed once, what is returned is owned once, and nothing else is touched", () => {
  for (const device of devices) {
    for (const definition of [adamW(), combined({ basis: { sides: "both", every: 2 } })]) {
      const solver = precond(definition);
      const counted: np.Array[] = [];
      const counts = (arrays: np.Array[]) => arrays.map((a) => a.refCount);
      const all = (given: unknown) => tree.leaves(given as np.Array) as np.Array[];
      let params = model(device);
      counted.push(...all(params));
      let state = solver.init(tree.ref(params));
      for (let i = 0; i < 5; i++) {
        const gradients = model(device);
        const before = all(params);
        const [updates, next] = solver.update(tree.ref(gradients), state, tree.ref(params));
        assert.deepEqual(counts(before), before.map(() => 1));
        assert.deepEqual(counts(all(gradients)), before.map(() => 1));
        assert.deepEqual(counts(all(updates)), before.map(() => 1));
        const made = all(updates);
        params = applyUpdates(params, updates);
        assert.deepEqual(counts([...before, ...made]), [...before, ...made].map(() => 0));
        tree.dispose(gradients);
        assert.deepEqual(counts(all(gradients)), before.map(() => 0));
        counted.push(...all(params), ...all(gradients));
        state = next;
      }
      tree.dispose(params);
      state.dispose();
      assert.deepEqual(counts(counted), counted.map(() => 0));
    }
  }
});

Deno.test("the memory of the wasm backend does not grow with the steps", async () => {
  const { wasmMemory } = await import("../backends/addresses.ts");
  const solver = precond(combined({ basis: { sides: "both", every: 3 } }));
  const big = () =>
    np.array(Float32Array.from({ length: 2500 }, (_, i) => Math.sin(i))).reshape([50, 50]);
  let params = { a: big(), b: big() };
  let state = solver.init(tree.ref(params));
  const steps = (n: number) => {
    for (let i = 0; i < n; i++) {
      const [updates, next] = solver.update({ a: big(), b: big() }, state, tree.ref(params));
      params = applyUpdates(params, updates);
      state = next;
    }
  };
  steps(10);
  const { byteLength } = wasmMemory()!.buffer;
  steps(60); // 10 KB leaked a step would be ten pages
  assert.equal(wasmMemory()!.buffer.byteLength, byteLength);
  state.dispose();
  tree.dispose(params);
});

Deno.test("the recommended optimizers train on each device as on plain arrays", () => {
  for (const device of devices) {
    for (const make of [snrOnly, curvatureOnly, combined]) {
      const solver = precond(make());
      const plain = createOptimizer(make());
      const start = Float32Array.from({ length: 64 }, (_, i) => Math.cos(i));
      let params = { w: array([...start], device, [8, 8]) };
      let state = solver.init(tree.ref(params));
      for (let t = 0; t < 25; t++) {
        const gradient = Float32Array.from(start, (w, i) => w - 0.1 * i + Math.sin(3 * i + 7 * t));
        plain.step({ w: { weights: start, gradient, shape: [8, 8] } });
        const [updates, next] = solver.update({ w: array([...gradient], device, [8, 8]) }, state);
        params = applyUpdates(params, updates);
        state = next;
      }
      const found = params.w.dataSync() as Float32Array;
      // Eigenvectors of the last average magnify rounding.
      found.forEach((w, i) =>
        assert.ok(Math.abs(w - start[i]!) < 2e-4, `${make.name} on ${device}`)
      );
      state.dispose();
    }
  }
});

Deno.test("a state is saved and loaded, also from and by plain arrays, and copies go their own way", async () => {
  for (const device of devices) {
    const definition = adam({ learningRate: 0.5 });
    const solver = precond(definition);
    const plain = createOptimizer(definition);
    const weights = Float32Array.of(1, 2, 3);
    const gradient = Float32Array.of(1, -1, 0.5);
    let params = { w: array([1, 2, 3], device) };
    let state = solver.init(tree.ref(params));
    const step = () => {
      const [updates, next] = solver.update({ w: array([...gradient], device) }, state);
      params = applyUpdates(params, updates);
      state = next;
      plain.step({ w: { weights, gradient } });
      gradient.set(gradient.map((g) => 1 - 2 * g));
    };
    step();
    state.learningRate = 0.25;
    plain.learningRate = 0.25;
    step();
    const [ours, theirs] = [await state.save(), await plain.save()];
    const resumed = createOptimizer(definition);
    resumed.load(ours);
    assert.equal(resumed.iteration, 2);
    assert.equal(resumed.learningRate, 0.25);
    const copy = state.copy();
    state.dispose();
    state = solver.load(theirs, tree.ref(params));
    step();
    values(params.w).forEach((w, i) => assert.ok(Math.abs(w - weights[i]!) < 1e-6));
    assert.deepEqual([state.iteration, copy.iteration], [3, 2]);
    assert.notDeepEqual(
      await state.slot("w", "inverseRms.to.m"),
      await copy.slot("w", "inverseRms.to.m"),
    );
    assert.throws(
      () => solver.load(ours, { other: tree.ref(params.w), w: np.ones([4], { device }) }),
      {
        name: "TypeError",
        message: 'Cannot restore "w": saved shape is [3], current shape is [4]',
      },
    );
    tree.dispose(params);
    state.dispose();
    copy.dispose();
  }
});

Deno.test("states of two workers and of plain arrays are merged, and training goes on from there", async () => {
  const definition = adam({ learningRate: 0.5 });
  const solver = precond(definition);
  const gradients = [[1, -1, 0.5], [3, 1, -2]], shares = [0.25, 0.75];
  const mean = gradients[0]!.map((g, i) => shares[0]! * g + shares[1]! * gradients[1]![i]!);
  for (const device of devices) {
    const params = { layers: [{ w: array([1, 2, 3], device) }] };
    const step = (state: SolverState, gradient: readonly number[]) => {
      const [updates, next] = solver.update({ layers: [{ w: array(gradient, device) }] }, state);
      tree.dispose(updates);
      return next;
    };
    /** The state of a worker after two steps on the same gradient. */
    const worker = async (gradient: readonly number[]) => {
      const state = step(step(solver.init(tree.ref(params)), gradient), gradient);
      const bytes = await state.save();
      state.dispose();
      return bytes;
    };
    const plain = createOptimizer(definition);
    for (let i = 0; i < 2; i++) {
      const gradient = Float32Array.from(gradients[1]!);
      plain.step({ "layers/0/w": { weights: new Float32Array(3), gradient } });
    }
    const merged = mergeStates([await worker(gradients[0]!), await plain.save()], shares, {
      definition,
    });
    let state = solver.load(merged, tree.ref(params));
    assert.equal(state.iteration, 2);
    // Averages of one gradient are that gradient.
    const m = async () => [...await state.slot("layers/0/w", "inverseRms.to.m")];
    const close = (found: readonly number[], expected: readonly number[]) =>
      found.forEach((x, i) => assert.ok(Math.abs(x - expected[i]!) < 1e-6, `${device} ${found}`));
    close(await m(), mean);
    state = step(state, [7, 0, 0]);
    const weight = 0.1 / (1 - 0.9 ** 3);
    close(await m(), mean.map((g, i) => g + weight * ([7, 0, 0][i]! - g)));
    state.dispose();
    tree.dispose(params);
  }
});

Deno.test("a state that was given away, disposed, or is another's is refused in each use", async () => {
  const solver = precond(adam());
  const first = solver.init(array([1]));
  const [updates, second] = solver.update(array([1]), first);
  updates.dispose();
  const away =
    /this state was given to update\(\); use the one that update\(\) returned, or a copy\(\)/;
  assert.throws(() => solver.update(array([1]), first), away);
  assert.throws(() => first.iteration, away);
  assert.throws(() => first.save(), away);
  assert.throws(() => first.dispose(), away);
  assert.throws(() => first.copy(), away);
  await assert.rejects(async () => await first.slot("params", "inverseRms.v"), away);
  assert.throws(() => precond(adam()).update(array([1]), second), /belongs to another solver/);
  for (const none of [undefined, null, {}, [], 3]) {
    assert.throws(() => solver.update(array([1]), none as unknown as SolverState), {
      name: "TypeError",
      message: /Cannot update: state must be what init\(\), load\(\) or update\(\) returned/,
    });
  }
  second.dispose();
  assert.throws(() => second.dispose(), /this state was disposed/);
});

Deno.test("trees that do not fit are refused by name, and nothing is consumed", () => {
  const solver = precond(adamW());
  const params = { a: array([1, 2]), b: { c: array([3]) } };
  let state = solver.init(tree.ref(params));
  const refused = (gradients: unknown, message: string | RegExp, more: unknown[] = []) => {
    const leaves = () =>
      [...tree.leaves(gradients), ...tree.leaves(params)].map((x) =>
        x instanceof np.Array ? x.refCount : 0
      );
    const before = leaves();
    assert.throws(
      () => solver.update(gradients as typeof params, state, ...more as [typeof params]),
      { name: "TypeError", message },
    );
    assert.deepEqual(leaves(), before);
    assert.equal(state.iteration, 0);
  };
  const c = () => ({ c: array([1]) });
  refused({ a: array([1, 2]) }, 'Cannot update: gradients have no "b/c", they are a');
  refused(
    { a: array([1, 2]), b: c(), d: array([1]) },
    'Cannot update: gradients have "d", which the state\'s parameters have not: a, b/c',
  );
  refused(
    { a: array([1]), b: c() },
    'Cannot update: gradients "a" must have shape [2], current shape is [1]',
  );
  refused(
    { a: 3, b: c() },
    'Cannot update: gradients "a" must be an array of jax-js, current value is 3',
  );
  refused(
    { a: np.arange(2), b: c() },
    /gradients "a" must be float32, current dtype is int32; convert it with astype/,
  );
  refused(
    { a: array([1, 2], "cpu"), b: c() },
    /"a" must be on wasm, where the state is, current device is cpu; move it/,
  );
  const gone = array([1, 2]);
  gone.dispose();
  refused({ a: gone, b: c() }, /"a" was given away before; pass tree\.ref/);
  refused(params, 'Cannot step "a": its chain reads the weights, which are not given');
  refused(params, /curvature "a" must be an array/, [params, { curvature: { a: null, b: c() } }]);
  refused(params, /"squares" is no option/, [params, { squares: 1 }]);
  assert.throws(
    () => solver.init({ "a/b": array([1]), a: { b: array([1]) } }),
    /two of params are called "a\/b"; rename one/,
  );
  assert.throws(() => solver.init({}), /Cannot init: params have no arrays/);
  assert.throws(
    () => solver.init([array([1]), array([1], "cpu")]),
    /params "0" is on wasm and "1" on cpu; move them to one device/,
  );
  const [updates, next] = solver.update(tree.ref(params), state, tree.ref(params));
  state = next;
  assert.throws(
    () => applyUpdates(params, { a: updates.a } as typeof params),
    /Cannot apply updates: updates have no "b\/c"/,
  );
  assert.throws(
    () => applyUpdates<ArrayTree>({}, updates),
    /Cannot apply updates: updates have "a", which the state's parameters have not: none/,
  );
  assert.deepEqual(applyUpdates({}, {}), {});
  tree.dispose([params, updates]);
  state.dispose();
});

Deno.test("inside jit, update() says to call it outside", () => {
  const solver = precond(adam());
  const state = solver.init(array([1]));
  const step = jit((g: np.Array) => solver.update(g, state)[0]);
  assert.throws(
    () => step(array([1])),
    /gradients "params" is being traced by jit, grad or vmap; call update\(\) outside/,
  );
  state.dispose();
});

Deno.test("evidence that a chain needs is asked for and taken", () => {
  const solver = precond(
    diagonalNewton({
      curvature: userCurvature({ every: 2 }),
      curvatureWarmup: 1,
      stepClip: Infinity,
      damping: 0,
      learningRate: 1,
    }),
  );
  let state = solver.init(array([1, 1]));
  assert.ok(state.curvatureDue);
  assert.throws(
    () => solver.update(array([2, 3]), state),
    /"params" brings no user curvature sample/,
  );
  const curvature = array([4, 2]);
  const [updates, next] = solver.update(array([2, 3]), state, undefined, { curvature });
  state = next;
  assert.deepEqual(updates.js(), [-0.5, -1.5]);
  assert.equal(curvature.refCount, 0);
  assert.ok(!state.curvatureDue);
  state.dispose();
});

Deno.test("steps that fail change nothing", async (t) => {
  for (const device of devices) {
    for (const test of failureCases) {
      await t.step(`${device}: ${test.name}`, () =>
        checkFailure(test, (definition) => {
          const solver = precond(definition);
          let params = { a: np.ones([2], { device }), b: np.ones([2], { device }) };
          let state = solver.init(tree.ref(params));
          return {
            step({ a, b }) {
              const gradients = { a: array(a, device), b: array(b, device) };
              try {
                const [updates, next] = solver.update(tree.ref(gradients), state);
                params = applyUpdates(params, updates);
                state = next;
              } catch (error) {
                tree.dispose(gradients); // not consumed
                throw error;
              } finally {
                tree.dispose(gradients);
              }
            },
            state: async () => [
              state.iteration,
              [...await state.save()],
              values(params.a),
              values(params.b),
            ],
            dispose() {
              state.dispose();
              tree.dispose(params);
            },
          };
        }));
    }
  }
});

Deno.test("what is no definition, and options of the aliases that do not exist, are refused", () => {
  checkAliasRefusals(exported);
  assert.throws(() => precond(adam as never), { name: "TypeError", message: /call it: adam\(\)/ });
  for (
    const none of ["adam", undefined, null, 0.1, {}, [adam()], learningRate(1), clipByGlobalNorm(1)]
  ) {
    assert.throws(() => precond(none as never), {
      name: "TypeError",
      message: /^Cannot make the solver: definition must be/,
    });
  }
});

Deno.test("precond() refuses a second argument, which the other adapters have", () => {
  const make = precond as (...args: unknown[]) => unknown;
  assert.throws(() => make(adam(), { accumulate: 4 }), {
    name: "TypeError",
    message:
      /^Cannot make the solver: it has no options, current value is .*; precond\(\) of jax-js takes an optimizer alone; average/,
  });
  make(adam(), undefined);
});

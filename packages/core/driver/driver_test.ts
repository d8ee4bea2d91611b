import assert from "node:assert/strict";
import { assertAllClose } from "@precond/testing";
import {
  adam,
  type ArrayContribution,
  chain,
  clipByGlobalNorm,
  createOptimizer,
  diagonalNewton,
  gaussNewton,
  hutchinson,
  inverseCurvature,
  learningRate,
  momentum,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
  userCurvature,
} from "../mod.ts";
import { arrayBackend, createDriver } from "../backend.ts";

const f32 = (...values: number[]) => Float32Array.from(values);
const given = (gradient: number[], more: Partial<ArrayContribution> = {}): ArrayContribution => ({
  weights: new Float32Array(gradient.length),
  gradient: Float32Array.from(gradient),
  ...more,
});
const newton = (every = 1) =>
  chain(scaleBy(inverseCurvature(userCurvature({ every }), { damping: 0, decay: 0 })), momentum());

Deno.test("evidence for some parameters only is a TypeError that names both", () => {
  const optimizer = createOptimizer(newton());
  const b = given([1]);
  assert.throws(
    () => optimizer.step({ a: given([1], { curvature: f32(1) }), b }),
    { name: "TypeError", message: 'Cannot step: curvature is given for "a" but not for "b"' },
  );
  assert.throws(
    () => optimizer.step({ a: given([1]), b: given([1], { gradientSquares: f32(1) }) }),
    { name: "TypeError", message: 'Cannot step: gradientSquares is given for "b" but not for "a"' },
  );
  assert.equal(optimizer.iteration, 0);
  assert.equal(b.weights[0], 0);
});

Deno.test("a first step without curvature names parameter and kind and changes nothing", () => {
  for (
    const [source, kind] of [[hutchinson(), "hutchinson"], [gaussNewton(), "gaussNewton"]] as const
  ) {
    const optimizer = createOptimizer(perParameter([
      { match: "plain", chain: sgd({ learningRate: 1, momentum: 0.9 }) },
      { match: () => true, chain: diagonalNewton({ curvature: source }) },
    ]));
    const [plain, kernel] = [given([1]), given([2])];
    assert.throws(
      () => optimizer.step({ plain, kernel }),
      { name: "TypeError", message: new RegExp(`"kernel" brings no ${kind} curvature sample`) },
    );
    assert.deepEqual([plain.weights, kernel.weights], [f32(0), f32(0)]); // the first group neither
    assert.equal(optimizer.iteration, 0);
    assert.throws(() => optimizer.slot("plain", "momentum.m"), { message: /no parameters yet/ });
  }
});

Deno.test("gradientSquares without their number of micro-batches are refused", () => {
  const optimizer = createOptimizer(chain(scaleBy(signalFraction({ from: "gradientSquares" }))));
  const step = { w: given([1], { gradientSquares: f32(1) }) };
  for (const microBatches of [undefined, 0, NaN]) {
    assert.throws(() => optimizer.step(step, { microBatches }), {
      name: "RangeError",
      message: /microBatches .* current value is (0|NaN)/,
    });
  }
  assert.equal(optimizer.iteration, 0);
});

Deno.test("a parameter given twice, or with another shape than before, is a TypeError", () => {
  const driver = createDriver(adam({ learningRate: 1 }), arrayBackend());
  const one = (shape: readonly number[], length = 4) => ({
    name: "w",
    shape,
    weights: new Float32Array(length),
    gradient: new Float32Array(length).fill(1),
  });
  assert.throws(() => driver.step([one([4]), one([4])]), {
    name: "TypeError",
    message: 'Cannot step: parameter "w" is given twice',
  });
  driver.step([one([4])]);
  const other = one([2, 2]);
  assert.throws(() => driver.step([other]), {
    name: "TypeError",
    message: 'Cannot step "w": its state has shape [4], current shape is [2,2]',
  });
  assert.deepEqual(other.weights, new Float32Array(4));
  assert.equal(driver.iteration, 1);
});

Deno.test("arrays of the wrong type or length are refused by name", () => {
  const optimizer = createOptimizer(sgd());
  const bad: [Partial<Record<keyof ArrayContribution, unknown>>, RegExp][] = [
    [{ gradient: [1, 2] }, /"w": gradient must be a Float32Array/],
    [{ gradient: new Float64Array(2) }, /"w": gradient must be a Float32Array/],
    [{ weights: undefined }, /"w": weights must be a Float32Array/],
    [{ gradient: f32(1) }, /"w": gradient should have 2 elements, current length is 1/],
    [{ curvature: f32(1) }, /"w": curvature should have 2 elements, current length is 1/],
    [{ shape: [3] }, /"w": weights should have 3 elements, current length is 2/],
  ];
  const fine = given([1, 1]);
  for (const [change, message] of bad) {
    const w = { ...given([1, 2]), ...change } as ArrayContribution;
    assert.throws(() => optimizer.step({ fine, w }), { name: "TypeError", message });
  }
  assert.deepEqual(fine.weights, f32(0, 0));
});

Deno.test("an unknown slot or parameter is a TypeError that lists the known ones", () => {
  const optimizer = createOptimizer(adam());
  optimizer.step({ w: given([1]) });
  assert.throws(() => optimizer.slot("w", "adam.v"), {
    name: "TypeError",
    message: 'Cannot find slot "adam.v" of "w": known are inverseRms.v, inverseRms.to.m',
  });
  assert.throws(() => optimizer.slot("v", "inverseRms.v"), {
    name: "TypeError",
    message: 'Cannot find slot "inverseRms.v" of "v": known are w',
  });
});

Deno.test("slot() is a copy", () => {
  const optimizer = createOptimizer(sgd({ momentum: 0.9 }));
  optimizer.step({ w: given([1]) });
  optimizer.slot("w", "momentum.m").fill(7);
  assert.equal(optimizer.slot("w", "momentum.m")[0], 1);
});

Deno.test("curvature is due on steps 1, 4, 7 for every: 3, and for parameters without a sample", () => {
  const optimizer = createOptimizer(newton(3));
  const due: number[] = [];
  for (let step = 1; step <= 9; step++) {
    const now = optimizer.curvatureDue(["w"]);
    if (now) due.push(step);
    if (step === 6) assert.equal(optimizer.curvatureDue(["w", "new"]), true);
    optimizer.step({ w: given([1], now ? { curvature: f32(2) } : {}) });
  }
  assert.deepEqual(due, [1, 4, 7]);
  assert.equal(createOptimizer(adam()).curvatureDue(["w"]), false);
});

Deno.test("a parameter absent on some steps keeps its own step count", () => {
  // Adam's first update is g/|g|; the debiased second moment of 3, 4 is (.999·9 + 16)/1.999.
  const optimizer = createOptimizer(adam({ learningRate: 1, epsilon: 0 }));
  const update = (name: string, g: number) => {
    const [seldom, often] = [given([g]), given([1])];
    optimizer.step(name === "seldom" ? { often, seldom } : { often });
    return -seldom.weights[0]!;
  };
  update("", 0);
  update("", 0);
  assertAllClose([update("seldom", 3)], [1]);
  update("", 0);
  const m = (0.9 * 3 + 4) / 1.9, v = (0.999 * 9 + 16) / 1.999;
  assertAllClose([update("seldom", 4)], [m / Math.sqrt(v)]);
  assert.equal(optimizer.iteration, 5);
});

Deno.test("the schedule follows the optimizer's count, not the parameter's", () => {
  const optimizer = createOptimizer(chain(learningRate(Object.assign((n: number) => n + 1, {}))));
  optimizer.step({ a: given([1]) });
  optimizer.step({ a: given([1]) });
  const late = given([1]);
  optimizer.step({ late });
  assert.equal(late.weights[0], -3);
});

Deno.test("a step of nothing does nothing", () => {
  const optimizer = createOptimizer(chain(clipByGlobalNorm(1)));
  optimizer.step({});
  assert.equal(optimizer.iteration, 0);
});

Deno.test("an error from a schedule leaves everything as it was", async () => {
  const failing = Object.assign((n: number) => n === 1 ? NaN : 1, {});
  const optimizer = createOptimizer(chain(momentum(), learningRate(failing)));
  optimizer.step({ w: given([1]) });
  const [before, w] = [await optimizer.save(), given([1])];
  assert.throws(() => optimizer.step({ w }), {
    name: "RangeError",
    message: /learning rate of update 2 must be finite and not negative, current value is NaN/,
  });
  assert.deepEqual(await optimizer.save(), before);
  assert.deepEqual(w.weights, f32(0));
});

Deno.test("curvatureDue() counts the updates of the parameters it is asked about: two sets in turn", () => {
  const backend = arrayBackend();
  const driver = createDriver(
    diagonalNewton({ curvature: userCurvature({ every: 3 }), curvatureWarmup: 1 }),
    backend,
  );
  const one = Float32Array.of(1);
  const due: Record<string, number[]> = { a: [], b: [] };
  for (let turn = 0; turn < 14; turn++) {
    const name = "ab"[turn % 2]!;
    const now = driver.curvatureDue([name]);
    if (now) due[name]!.push(Math.floor(turn / 2));
    driver.step([{
      name,
      shape: [1],
      weights: new Float32Array(1),
      gradient: one,
      ...(now ? { curvature: one } : {}),
    }]);
  }
  assert.deepEqual(due, { a: [0, 3, 6], b: [0, 3, 6] });
});

Deno.test("the samples that a chain wants before its first step are due one a step", () => {
  const driver = createDriver(
    diagonalNewton({
      curvature: userCurvature({ every: 5 }),
      curvatureWarmup: 3,
      stepClip: Infinity,
    }),
    arrayBackend(),
  );
  const one = Float32Array.of(1);
  const due: number[] = [], moved: number[] = [];
  for (let step = 0; step < 12; step++) {
    const now = driver.curvatureDue(["w"]);
    if (now) due.push(step);
    const { weights: [after] } = driver.step([{
      name: "w",
      shape: [1],
      weights: new Float32Array(1),
      gradient: one,
      ...(now ? { curvature: one } : {}),
    }]);
    if (after![0] !== 0) moved.push(step);
  }
  assert.deepEqual(due, [0, 1, 2, 5, 10]);
  assert.deepEqual(moved[0], 2);
});

Deno.test("replaceState() keeps the arrays that both states have", () => {
  const disposed: Float32Array[] = [];
  const inner = arrayBackend();
  const backend = { ...inner, dispose: (a: Float32Array) => void disposed.push(a) };
  const driver = createDriver(sgd({ momentum: 0.9 }), backend);
  const contribution = (name: string) => ({
    name,
    shape: [1],
    weights: new Float32Array(1),
    gradient: Float32Array.of(2),
  });
  driver.step([contribution("a"), contribution("b")]);
  const { parameters, ...state } = driver.state();
  const [a, b] = ["a", "b"].map((name) => parameters.get(name)!);
  driver.replaceState({ ...state, parameters: new Map([["renamed", a!]]) });
  assert.deepEqual(disposed, Object.values(b!.slots));
  assert.equal(driver.slot("renamed", "momentum.m"), a!.slots["momentum.m"]);
});

import assert from "node:assert/strict";
import {
  chain,
  clipByGlobalNorm,
  clipByValue,
  type Definition,
  inverseCurvature,
  learningRate,
  momentum,
  perParameter,
  scaleBy,
  sgd,
  skipNonFinite,
  sophia,
  userCurvature,
} from "../mod.ts";
import { arrayBackend, clippedCounter, createDriver } from "../backend.ts";

type Gradients = Readonly<Record<string, readonly number[]>>;

/** Steps a definition and reads what each step clipped: [elements, norm] by parameter. */
function clipped(definition: Definition, steps: readonly Gradients[], curvature?: number) {
  const backend = arrayBackend();
  let live = 0;
  const driver = createDriver<Float32Array>(definition, {
    ...backend,
    allocate: (...args) => (live++, backend.allocate(...args)),
    dispose: (array) => (live--, backend.dispose(array)),
  });
  const found = steps.map((gradients) => {
    const result = driver.step(
      Object.entries(gradients).map(([name, values]) => ({
        name,
        shape: [values.length],
        weights: new Float32Array(values.length),
        gradient: Float32Array.from(values),
        curvature: curvature === undefined
          ? undefined
          : new Float32Array(values.length).fill(curvature),
      })),
      { countClipped: clippedCounter },
    );
    return Object.fromEntries(
      Object.keys(gradients).map((name, i) => {
        const { elements, norm } = result.clipped![i]!;
        const numbers = [elements, norm].map((array) => array?.[0]);
        live -= [elements, norm].filter(Boolean).length;
        return [name, numbers];
      }),
    );
  });
  driver.dispose();
  assert.equal(live, 0, "arrays are left");
  return found;
}

Deno.test("clipByValue() counts the elements beyond its bound, not those at it", () => {
  const found = clipped(chain(clipByValue(1), learningRate(0.1)), [
    { a: [-3, -1, 0.5, 1, 1.5], b: [0.9] },
    { a: [0, 0, 0, 0, NaN], b: [-7] },
  ]);
  assert.deepEqual(found, [
    { a: [2, undefined], b: [0, undefined] },
    { a: [0, undefined], b: [1, undefined] },
  ]);
});

Deno.test("clipByGlobalNorm() says of each step whether it was scaled", () => {
  // ‖(3, 4)‖ = 5 over both tensors; each alone is below 4.5.
  const found = clipped(chain(clipByGlobalNorm(4.5), learningRate(0.1)), [
    { a: [3], b: [4] },
    { a: [3], b: [3] },
  ]);
  assert.deepEqual(found.map(({ a, b }) => [a, b]), [
    [[undefined, 1], [undefined, 1]],
    [[undefined, 0], [undefined, 0]], // √18 < 4.5
  ]);
});

Deno.test("a count is of what flows into the bound: after what comes before it", () => {
  // Momentum .5 in sum form: 1, then 1.5 and then 1.75, clipped at 1.6.
  const definition = chain(momentum({ decay: 0.5, form: "sum" }), clipByValue(1.6));
  const found = clipped(definition, [{ w: [1, 0] }, { w: [1, 0] }, { w: [1, 0] }]);
  assert.deepEqual(found.map(({ w }) => w![0]), [0, 0, 1]);
});

Deno.test("step clips of inverseCurvature() and sophia() count their elements", () => {
  // H⁻¹g = g/2, clipped at 1.
  const newton = inverseCurvature(userCurvature(), { damping: 0, decay: 0, stepClip: 1 });
  const gradients = { w: [-4, -1, 1.9, 2.1, 3] };
  assert.deepEqual(clipped(chain(scaleBy(newton)), [gradients], 2), [{ w: [3, undefined] }]);
  // First step without bias correction: m = .035 g, γh = .05 · .01 · 2, so that |g| > .0286 is clipped.
  const definition = sophia({ curvature: userCurvature(), gamma: 0.05 });
  const small = { w: [-0.2, 0.02, 0.028, 0.029] };
  assert.deepEqual(clipped(definition, [small], 2), [{ w: [2, undefined] }]);
});

Deno.test("an element that two bounds clip counts once, and both kinds are told apart", () => {
  const definition = chain(clipByValue(2), clipByGlobalNorm(1), clipByValue(0.5));
  // (3, .1) → (2, .1) → (2, .1)/2.0025 → (.5, .05)
  assert.deepEqual(clipped(definition, [{ w: [3, 0.1] }]), [{ w: [1, 1] }]);
});

Deno.test("a held step and a chain without bounds clip nothing; groups count by themselves", () => {
  const held = chain(skipNonFinite(), clipByValue(1), clipByGlobalNorm(1));
  const found = clipped(held, [{ w: [5, 5, NaN] }, { w: [5, 5, 0] }]);
  assert.deepEqual(found.map(({ w }) => w), [[0, 0], [2, 1]]);
  const groups = perParameter([
    { match: "a", chain: chain(clipByGlobalNorm(1)) },
    { match: () => true, chain: sgd({ learningRate: 1 }) },
  ]);
  const [both] = clipped(groups, [{ a: [2], b: [2] }]);
  assert.deepEqual(both, { a: [undefined, 1], b: [undefined, undefined] });
});

Deno.test("counting changes nothing else, and is left out where nobody asks", () => {
  const weights = [undefined, clippedCounter].map((countClipped) => {
    const driver = createDriver(chain(clipByValue(1), momentum()), arrayBackend());
    const w = new Float32Array(3);
    for (let i = 0; i < 3; i++) {
      const gradient = Float32Array.of(i, -2 * i, 0.5);
      const result = driver.step([{ name: "w", shape: [3], weights: w, gradient }], {
        countClipped,
      });
      assert.equal(result.clipped !== undefined, countClipped !== undefined);
    }
    return w;
  });
  assert.deepEqual(weights[1], weights[0]);
});

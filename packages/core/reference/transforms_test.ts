import assert from "node:assert/strict";
import fc from "fast-check";
import { assertClose, historyOf, steps, w } from "./_testing.ts";
import {
  clipByGlobalNormStage,
  clipByValueStage,
  decoupledWeightDecayStage,
  learningRateStage,
  momentumStage,
  skipNonFiniteStage,
  unitNormStage,
} from "./transforms.ts";
import type { ReferenceStage, Snapshot } from "./types.ts";

const after = (stage: ReferenceStage, ...x: number[][]) => w(stage(historyOf(steps(x)))).update;
const squares = {
  gradientSquares: { input: Float64Array.of(3, 3), raw: Float64Array.of(3, 3) },
};
const two = (a: number[], b: number[]): [Record<"a" | "b", Snapshot>] => {
  const [[x], [y]] = [steps([a], () => squares), steps([b], () => squares)];
  return [{ a: x!, b: y! }];
};

// β = .5 over 1, 4: average (.5 + 4)/1.5 = 3, newest weight 2/3
Deno.test("momentumStage() in its six forms, by hand", () => {
  const m = (options: object) => after(momentumStage({ decay: .5, ...options }), [1], [4]);
  assertClose(m({}), 3);
  assertClose(m({ nesterov: true }), 1 / 3 * 3 + 2 / 3 * 4);
  assertClose(m({ debias: false }), .25 + 2);
  assertClose(m({ debias: false, nesterov: true }), .5 * 2.25 + .5 * 4);
  assertClose(m({ form: "sum" }), 4.5);
  assertClose(m({ form: "sum", nesterov: true }), 4 + .5 * 4.5);
});

Deno.test("momentumStage() is the usual recursions", () => {
  const xs = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(fc.property(xs, fc.constantFrom(0, .5, .9), (xs, decay) => {
    let [m, a] = [0, 0];
    for (const x of xs) [m, a] = [decay * m + (1 - decay) * x, decay * a + x];
    const inputs = xs.map((x) => [x]);
    const debiased = m / (1 - decay ** xs.length);
    assertClose(after(momentumStage({ decay }), ...inputs), debiased, 1e-10);
    assertClose(after(momentumStage({ decay, form: "sum" }), ...inputs), a, 1e-10);
  }));
});

Deno.test("momentumStage() counts the steps of each parameter by itself", () => {
  const [a, b] = [steps([[1], [4]]), steps([[7]])];
  const outputs = momentumStage({ decay: .5 })([{ a: a[0]! }, { a: a[1]!, b: b[0]! }]);
  assertClose([outputs["a"]!.update[0]!, outputs["b"]!.update[0]!], [3, 7]);
});

Deno.test("unitNormStage() by tensor and over all", () => {
  assertClose(after(unitNormStage(), [3, -4]), [.6, -.8]);
  assertClose(after(unitNormStage({ epsilon: 5 }), [3, -4]), [.3, -.4]);
  assert.deepEqual([...after(unitNormStage(), [0, 0])], [0, 0]);
  const all = unitNormStage({ scope: "all" })(two([1, 1], [1, 1]));
  assertClose([...all["a"]!.update, ...all["b"]!.update], [.5, .5, .5, .5]);
});

Deno.test("clipByGlobalNormStage() shortens all parameters alike, or none", () => {
  const clipped = clipByGlobalNormStage(1)(two([1, 1], [1, 1])); // norm 2
  assertClose(clipped["a"]!.update, [.5, .5]);
  assertClose(clipped["b"]!.gradientSquares, [3 / 4, 3 / 4]); // q·c²
  assertClose(clipByGlobalNormStage(3)(two([1, 1], [1, 1]))["a"]!.update, [1, 1]);
  assert.deepEqual([...after(clipByGlobalNormStage(1), [0])], [0]);
});

Deno.test("clipByValueStage() clamps", () => {
  assertClose(after(clipByValueStage(2), [3, -4, 1]), [2, -2, 1]);
});

Deno.test("decoupledWeightDecayStage() adds rate·weights where the name matches", () => {
  const seen = historyOf(steps([[1]], () => ({ weights: Float64Array.of(10) })));
  const x = (match?: RegExp | ((name: string) => boolean)) =>
    w(decoupledWeightDecayStage(.1, match === undefined ? {} : { match })(seen)).update[0];
  assertClose([x(), x(/^w$/), x(/b/), x((name) => name === "b")] as number[], [2, 2, 1, 1]);
  const global = /w/g; // remembers where it stopped
  assertClose([x(global), x(global)] as number[], [2, 2]);
});

Deno.test("learningRateStage() counts the optimizer's steps, not the parameter's", () => {
  const [b] = steps([[1]]);
  const late = learningRateStage((n) => n + 1, { multiplier: (name) => name === "b" ? 10 : 1 });
  assertClose(late([{}, {}, { b: b! }])["b"]!.update, 30);
  const scaled = learningRateStage(.5)(two([1, 1], [1, 1]));
  assertClose(scaled["a"]!.gradientSquares, [.75, .75]);
});

Deno.test("momentum, unitNorm, clipByValue and weight decay drop the gradient squares", () => {
  for (
    const stage of [
      momentumStage(),
      unitNormStage(),
      clipByValueStage(1),
      decoupledWeightDecayStage(.1),
    ]
  ) assert.equal(stage(two([1, 1], [1, 1]))["a"]!.gradientSquares, undefined);
  const kept = skipNonFiniteStage()(two([1, 1], [1, 1]))["a"]!;
  assertClose(kept.gradientSquares, [3, 3]);
});

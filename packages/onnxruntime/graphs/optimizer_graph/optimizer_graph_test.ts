import { chain, inBasis, kronecker, learningRate, momentum, skipNonFinite } from "@precond/core";
import type { Fresh } from "@precond/core/backend";
import { writeModel } from "@precond/onnx";
import {
  assertAllClose,
  basisCases,
  checkConformance,
  checkNonFinite,
  type ConformanceCase,
  conformanceCases,
  heldCases,
  nonFiniteCases,
  random,
  type SubjectFactory,
  testSteps,
} from "@precond/testing";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { type GraphBasis, refreshBasis } from "./graph_basis.ts";
import { optimizerGraph } from "./optimizer_graph.ts";
import type { InferenceSession, Ort, Tensor } from "../../hosts/ort.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as Ort;

/** Applies the graphs step by step, as a runtime without JavaScript would. */
function graphSubject(test: ConformanceCase): SubjectFactory {
  return (definition, parameters) => {
    const steps = testSteps(50, test.plan);
    const freshOf = (index: number): Fresh => {
      const first = Object.values(steps[index]!.evidence)[0]!;
      return {
        gradientSquares: first.gradientSquares !== undefined,
        curvature: first.curvature !== undefined,
      };
    };
    const list = Object.entries(parameters).map(([name, p]) => ({ name, shape: p.shape }));
    const sessions = new Map<string, InferenceSession>();
    const state = new Map<string, Tensor>();
    let bases: readonly GraphBasis[] = [];
    for (const [name, p] of Object.entries(parameters)) {
      state.set(name, new ort.Tensor("float32", Float32Array.from(p.weights), p.shape));
      state.set(`${name}::step`, new ort.Tensor("int64", BigInt64Array.of(0n), []));
    }
    let index = 0;
    return {
      async step({ evidence }) {
        const fresh = freshOf(index++);
        const key = JSON.stringify(fresh);
        let session = sessions.get(key);
        if (session === undefined) {
          const graph = optimizerGraph(definition, list, {
            steps: 50,
            fresh,
            // The reference has the shapes of tfjs.
            outputAxis: "last",
            evidence: (t) => freshOf(t - 1),
            batch: (t) => ({
              batchSize: steps[t - 1]!.batchSize ?? 1,
              microBatches: steps[t - 1]!.microBatches ?? 1,
            }),
          });
          bases = graph.bases;
          for (const [name, { shape, fill, identity }] of graph.slots) {
            if (state.has(name)) continue;
            const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill);
            if (identity) { for (let i = 0; i < shape[0]!; i++) values[i * (shape[0]! + 1)] = 1; }
            state.set(name, new ort.Tensor("float32", values, shape));
          }
          const bytes = writeModel(graph.model);
          session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
          sessions.set(key, session);
        }
        const feeds: Record<string, Tensor> = {};
        const give = (name: string, values: Float32Array | undefined, shape: readonly number[]) => {
          if (values !== undefined) feeds[name] = new ort.Tensor("float32", values, shape);
        };
        for (const [name, e] of Object.entries(evidence)) {
          const { shape } = parameters[name]!;
          give(`${name}_grad`, e.gradient, shape);
          give(`${name}_squares`, e.gradientSquares, shape);
          give(`${name}_curvature`, e.curvature, shape);
        }
        for (const [name, tensor] of state) {
          if (session.inputNames.includes(name)) feeds[name] = tensor;
        }
        const results = await session.run(feeds);
        for (const [name, tensor] of Object.entries(results)) {
          state.set(name.slice(0, -"_updated".length), tensor as Tensor);
        }
        for (const basis of bases) {
          const updates = Number((state.get(`${basis.parameter}::step`)!.data as BigInt64Array)[0]);
          const values = new Map(
            basis.reads.map((name) => [name, state.get(name)!.data as Float32Array]),
          );
          for (const [name, value] of refreshBasis(basis, updates, values)) {
            state.set(name, new ort.Tensor("float32", value, state.get(name)!.dims));
          }
        }
      },
      weights: () =>
        Object.fromEntries(
          list.map(({ name }) => [name, state.get(name)!.data as Float32Array]),
        ),
      async dispose() {
        for (const session of sessions.values()) await session.release();
      },
    };
  };
}

Deno.test("optimizerGraph() holds every conformance case", async (t) => {
  for (const test of [...conformanceCases, ...heldCases, ...basisCases()]) {
    await t.step(test.name, () => checkConformance(test, graphSubject(test), { steps: 20 }));
  }
});

Deno.test("optimizerGraph() does with extreme gradients what the reference does", async (t) => {
  for (const test of nonFiniteCases) {
    await t.step(test.name, () => checkNonFinite(test, graphSubject(test)));
  }
});

const soap = (decay: number) =>
  chain(
    skipNonFinite({ scope: "tensor" }),
    inBasis(kronecker({ every: 2, sides: "both" }), momentum({ decay })),
    learningRate(0.5),
  );

Deno.test("optimizerGraph() follows the driver in a basis with averages that turn, and held steps", async () => {
  // Inside, momentum is linear: turning there, averaging and turning back is momentum itself.
  const [rows, columns] = [3, 4], size = rows * columns;
  const { model, slots, bases } = optimizerGraph(soap(0.5), [
    { name: "w", shape: [rows, columns] },
    { name: "b", shape: [columns] },
  ], { steps: 20 });
  assert.deepEqual(bases.map(({ parameter, every }) => [parameter, every]), [["w", 2]]);
  assert.deepEqual(bases[0]!.reads, [
    "w::basis.left",
    "w::basis.leftVectors",
    "w::basis.right",
    "w::basis.rightVectors",
    "w::momentum.m",
  ]);
  const session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 3 });
  const state = new Map<string, Float32Array>();
  for (const [name, { shape, identity }] of slots) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (identity) { for (let i = 0; i < shape[0]!; i++) values[i * (shape[0]! + 1)] = 1; }
    state.set(name, values);
  }
  const shapes = new Map<string, readonly number[]>([["w", [rows, columns]], ["b", [columns]]]);
  for (const [name, { shape }] of slots) shapes.set(name, shape);
  state.set("w", new Float32Array(size));
  state.set("b", new Float32Array(columns));
  const { normal } = random(11);
  const expected = new Float64Array(size), m = new Float64Array(size);
  let updates = 0n, count = 0;
  for (let step = 0; step < 9; step++) {
    const g = Float32Array.from({ length: size }, normal);
    const held = step === 4;
    if (held) g[5] = NaN;
    else {
      count++;
      const w = 0.5 / (1 - 0.5 ** count);
      for (let k = 0; k < size; k++) {
        m[k]! += w * (g[k]! - m[k]!);
        expected[k]! -= 0.5 * m[k]!;
      }
    }
    const feeds: Record<string, Tensor> = {
      "w_grad": new ort.Tensor("float32", g, [rows, columns]),
      "b_grad": new ort.Tensor("float32", new Float32Array(columns), [columns]),
      "w::step": new ort.Tensor("int64", BigInt64Array.of(updates), []),
      "b::step": new ort.Tensor("int64", BigInt64Array.of(BigInt(step)), []),
    };
    for (const [name, values] of state) {
      if (!session.inputNames.includes(name)) continue;
      feeds[name] = new ort.Tensor("float32", values, shapes.get(name)!);
    }
    const results = await session.run(feeds);
    for (const name of state.keys()) {
      const updated = results[`${name}_updated`];
      if (updated) state.set(name, updated.data as Float32Array);
    }
    const before = updates;
    updates = (results["w::step_updated"]!.data as BigInt64Array)[0]!;
    assert.equal(updates, BigInt(count));
    const changed = updates === before
      ? new Map<string, Float32Array>()
      : refreshBasis(bases[0]!, Number(updates), state);
    assert.equal(changed.size, updates !== before && count % 2 === 0 ? 3 : 0);
    for (const [name, value] of changed) state.set(name, value);
    assertAllClose(state.get("w")!, expected, { absolute: 1e-5 }, `step ${step}`);
  }
  // Otherwise nothing turned.
  assert.ok(Math.abs(state.get("w::basis.leftVectors")![0]!) < 0.99);
  await session.release();
});

Deno.test("refreshBasis() names what is missing", () => {
  const { bases } = optimizerGraph(soap(0.5), [{ name: "w", shape: [2, 2] }], { steps: 1 });
  assert.throws(() => refreshBasis(bases[0]!, 2, new Map()), {
    name: "TypeError",
    message: 'Cannot refresh the basis of "w": "w::basis.left" is missing, given are no slots',
  });
  assert.equal(refreshBasis(bases[0]!, 3, new Map()).size, 0);
});

Deno.test("optimizerGraph() refuses what are no optimizer, parameters or options", () => {
  const make = optimizerGraph as (...given: unknown[]) => unknown;
  const parameters = [{ name: "w", shape: [2] }];
  const definition = chain(learningRate(0.1));
  const cases: readonly [unknown[], RegExp][] = [
    [[learningRate, parameters], /definition must be an optimizer/],
    [[definition, { w: [2] }], /parameters must be an array whose items each be \{ name, shape \}/],
    [[definition, [{ name: "w", dims: [2] }]], /parameters must be an array/],
    [[definition, parameters, { step: 3 }], /"step" is no option, did you mean steps\?/],
    [[definition, parameters, { outputAxis: "middle" }], /outputAxis must be/],
  ];
  for (const [given, message] of cases) {
    assert.throws(() => make(...given), (error: Error) => {
      assert.match(error.message, /^Cannot make an optimizer graph: /);
      assert.match(error.message, message);
      return true;
    });
  }
});

import type { Fresh } from "@precond/core/backend";
import { writeModel } from "@precond/onnx";
import {
  checkConformance,
  type ConformanceCase,
  conformanceCases,
  heldCases,
  type SubjectFactory,
  testSteps,
} from "@precond/testing";
import { createRequire } from "node:module";
import { optimizerGraph } from "./optimizer_graph.ts";
import type { InferenceSession, Ort, Tensor } from "../../ort.ts";

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
          const { model, slots } = optimizerGraph(definition, list, {
            steps: 50,
            fresh,
            evidence: (t) => freshOf(t - 1),
            batch: (t) => ({
              batchSize: steps[t - 1]!.batchSize ?? 1,
              microBatches: steps[t - 1]!.microBatches ?? 1,
            }),
          });
          for (const [name, { shape, fill }] of slots) {
            if (state.has(name)) continue;
            const size = shape.reduce((a, b) => a * b, 1);
            state.set(name, new ort.Tensor("float32", new Float32Array(size).fill(fill), shape));
          }
          session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 3 });
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
  for (const test of [...conformanceCases, ...heldCases]) {
    await t.step(test.name, () => checkConformance(test, graphSubject(test)));
  }
});

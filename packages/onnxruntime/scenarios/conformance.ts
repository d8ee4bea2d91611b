/**
 * The conformance suite through a trainer: models whose gradients, squares and curvature are the
 * evidence of a case, so that all of it goes through a graph, a run and the trainer's own update.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { buildModel, type ModelProto } from "@precond/onnx";
import type {
  ConformanceCase,
  SubjectFactory,
  TestEvidence,
  TestParameter,
} from "@precond/testing";
import { type Feeds, type Ort, Trainer, type TrainerOptions } from "../mod.ts";

/** Micro-batches of a step, as testSteps() has it. */
const PARTS = 4;

/** How a case's evidence is brought about. */
export type Route = "step" | "microBatches" | "examples" | "user";

/**
 * Routes on which a case can be run; none for squares in some steps only, as a trainer measures them
 * in every step of a chain that needs them.
 */
export function routesOf({ definition, plan }: ConformanceCase): readonly Route[] {
  const { needs } = definition();
  if (needs.includes("gradientSquares")) {
    const always = [0, 1, 2, 3, 4].every((t) => plan.gradientSquares?.(t));
    return always ? ["microBatches", "examples"] : [];
  }
  return plan.curvature === undefined ? ["step"] : ["step", "user"];
}

/**
 * The loss of example i is `Σ ⟨p, a_i⟩ + ½ ⟨c, (p − p₀)²⟩`. Fed p₀ = p, its gradient is a_i and its
 * Hessian is diag(c), of which every Hutchinson sample `z∘Hz` is c itself.
 */
function linearModel(
  parameters: Readonly<Record<string, TestParameter>>,
  route: Route,
  curvature: boolean,
): ModelProto {
  const m = buildModel();
  const batch = m.input("batch", ["N", 1]);
  const each = Object.entries(parameters).map(([name, { shape, weights }]) => {
    const p = m.parameter(name, shape, Float32Array.from(weights));
    if (route === "examples") {
      // One row an example; mean over them below.
      const fed = m.input(`${name}_fed`, ["N", ...shape]);
      const product = m.op("Mul", [fed, p]);
      return m.op("ReduceSum", [m.op("Flatten", [product], { axis: 1 }), axis(m)], { keepdims: 1 });
    }
    const fed = m.input(`${name}_fed`, shape);
    const linear = m.op("ReduceSum", [m.op("Mul", [p, fed])], { keepdims: 0 });
    if (!curvature) return linear;
    const from = m.op("Sub", [p, m.input(`${name}_from`, shape)]);
    const bend = m.op("Mul", [m.op("Mul", [from, from]), m.input(`${name}_bend`, shape)]);
    const sum = m.op("ReduceSum", [bend], { keepdims: 0 });
    return m.op("Add", [linear, m.op("Mul", [sum, half(m)])]);
  });
  const total = each.reduce((sum, x) => m.op("Add", [sum, x]));
  // The batch input takes part with 0, so that it stays an input.
  const none = m.op("ReduceSum", [m.op("Mul", [batch, zero(m)])], { keepdims: 0 });
  const mean = m.op("ReduceMean", [total], { keepdims: 0 });
  m.output(m.op("Add", [mean, none], {}, "cost"));
  return m.build();
}

type Builder = ReturnType<typeof buildModel>;
const once = (name: string, make: (m: Builder) => string) => (m: Builder) =>
  m.dims(name) === undefined ? make(m) : name;
const axis = once("axis", (m) => m.parameter("axis", [1], BigInt64Array.of(1n)));
const half = once("half", (m) => m.parameter("half", [], Float32Array.of(0.5)));
const zero = once("zero", (m) => m.parameter("zero", [], new Float32Array(1)));

/** `g ± d` in turn, d = √(q − g²): their mean is g, the mean of their squares q. */
function parts({ gradient, gradientSquares }: TestEvidence): Float32Array[] {
  return Array.from({ length: PARTS }, (_, j) =>
    gradient.map((g, i) => {
      const spread = Math.sqrt(Math.max(0, gradientSquares![i]! - g * g));
      return g + (j % 2 === 0 ? spread : -spread);
    }));
}

/** A subject that trains through Trainer on a build of ONNX Runtime. */
export function trainerSubject(
  ort: Ort,
  test: ConformanceCase,
  route: Route,
  options: TrainerOptions = {},
): SubjectFactory {
  return async (definition, parameters) => {
    const curvature = test.plan.curvature !== undefined && route === "step";
    const names = Object.keys(parameters);
    const source = { model: linearModel(parameters, route, curvature), output: "cost" };
    const trainer = await Trainer.create(ort, source, {
      ...options,
      optimizer: withSource(definition, test, route),
      trainable: names,
      accumulate: route === "microBatches" ? PARTS : 1,
    });
    const feed = (data: Float32Array, dims: readonly number[]) => ({ data, dims });
    return {
      async step({ evidence, batchSize }) {
        const feeds: Record<string, { data: Float32Array; dims: readonly number[] }> = {
          batch: feed(new Float32Array(PARTS), [PARTS, 1]),
        };
        const step = (size: number) =>
          trainer.step(feeds as Feeds, {
            batchSize: size,
            // A NaN on purpose must come to the chain that skips it.
            readLoss: test.plan.nonFinite === undefined,
            ...(route === "user" ? { curvature: curvaturesOf(evidence) } : {}),
          });
        if (route === "examples") {
          for (const [name, e] of Object.entries(evidence)) {
            const all = new Float32Array(PARTS * e.gradient.length);
            parts(e).forEach((part, j) => all.set(part, j * part.length));
            feeds[`${name}_fed`] = feed(all, [PARTS, ...parameters[name]!.shape]);
          }
          await step(PARTS);
          return;
        }
        if (route === "microBatches") {
          const split = Object.entries(evidence).map(([name, e]) => [name, parts(e)] as const);
          for (let j = 0; j < PARTS; j++) {
            for (const [name, list] of split) {
              feeds[`${name}_fed`] = feed(list[j]!, parameters[name]!.shape);
            }
            await step(batchSize / PARTS);
          }
          return;
        }
        for (const [name, e] of Object.entries(evidence)) {
          const { shape } = parameters[name]!;
          feeds[`${name}_fed`] = feed(e.gradient, shape);
          if (!curvature) continue;
          feeds[`${name}_from`] = feed(await trainer.parameter(name), shape);
          feeds[`${name}_bend`] = feed(e.curvature ?? new Float32Array(e.gradient.length), shape);
        }
        await step(batchSize);
      },
      async weights() {
        const values = names.map(async (name) => [name, await trainer.parameter(name)] as const);
        return Object.fromEntries(await Promise.all(values));
      },
      dispose: () => void trainer.release(),
    };
  };
}

/** The same chain with a source of curvature that can be dictated, as often as the plan has it. */
function withSource(definition: Definition, test: ConformanceCase, route: Route): Definition {
  if (test.plan.curvature === undefined) return definition;
  const every = [1, 2, 3, 4, 5, 6].find((t) => test.plan.curvature!(t))!;
  return { ...definition, curvature: { kind: route === "user" ? "user" : "hutchinson", every } };
}

function curvaturesOf(evidence: Readonly<Record<string, TestEvidence>>) {
  return Object.fromEntries(
    Object.entries(evidence).flatMap(([name, { curvature }]) =>
      curvature === undefined ? [] : [[name, curvature]]
    ),
  );
}

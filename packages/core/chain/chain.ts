/**
 * A chain of transforms, compiled once into one fused program.
 *
 * @module
 */
import {
  type ArrayShape,
  type Cond,
  type Expr,
  or,
  read,
  scalar,
  select,
  sub,
  sum,
} from "../kernel/expr.ts";
import { checkValue } from "../checks.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import * as kinds from "../kinds.ts";
import { clippingProgram, mergeClipping } from "./clipping.ts";
import { type Specified, specify } from "./specification.ts";
import type {
  Clipping,
  CurvatureSource,
  Evidence,
  RuleInputs,
  Scalars,
  SlotSpec,
  StepInfo,
  Transform,
} from "./types.ts";

/** A transform with the name that tells it from others of its kind in the chain. */
export interface Stage {
  readonly name: string;
  readonly transform: Transform;
}

/** A slot of a chain; its name is `stage.slot`. */
export interface ChainSlot {
  readonly name: string;
  readonly shape: ArrayShape;
  readonly fill: number;
}

/** Which optional evidence a step brings. */
export type Fresh = StepInfo["fresh"];

/** An optimizer: transforms in order; the last one's output is subtracted from the weights. */
export interface Chain extends Specified {
  readonly stages: readonly Stage[];
  readonly needs: readonly Evidence[];
  readonly slots: readonly ChainSlot[];
  /** Curvature that the host has to sample, if any. */
  readonly curvature?: CurvatureSource;
  /** The learning rate after so many updates, if it has one: that of its last learningRate(). */
  learningRate?(updates: number): number;
  /** Names and meanings of the slots: states are exchangeable between chains that agree in it. */
  readonly signature: string;
  /** The fused program for steps that bring this evidence; compiled on first use. */
  program(fresh: Fresh): Program;
  /** A program that counts what such a step clips, before it is made; undefined without bounds. */
  clipping(fresh: Fresh): Program | undefined;
  /** True if two parameters with the same history may have different scalars. */
  readonly perParameter: boolean;
  /** This step's scalars of each stage, given those of the last applied step. */
  scalars(step: StepInfo, previous: readonly Scalars[] | undefined): readonly Scalars[];
}

/** The name under which programs read and write the parameter itself. */
export const weightsName = "weights";

/** The programs of steps that bring some evidence. */
interface Programs {
  readonly step: Program;
  /** Compiled on first use: only telemetry asks for it. */
  clipping(): Program | undefined;
}

function build(stages: readonly Stage[], fresh: Fresh): Programs {
  const gradient = read("gradient");
  const weights = read(weightsName);
  const rawSquares = fresh.gradientSquares ? read("gradientSquares") : undefined;
  let x = gradient;
  let squares = rawSquares;
  let hold: Cond | undefined;
  let clipped: Clipping = {};
  const slots: (ChainSlot & { old: Expr; value: Expr; held: Expr })[] = [];
  for (const { name, transform } of stages) {
    const full = (key: string) => `${name}.${key}`;
    const old = (key: string) => {
      const spec = transform.slots[key];
      if (!spec) throw new TypeError(`Cannot build "${name}": it has no slot "${key}"`);
      return read(full(key), spec.shape ?? "element");
    };
    const inputs: RuleInputs = {
      x,
      gradient,
      weights,
      ...(squares ? { gradientSquares: squares } : {}),
      ...(rawSquares ? { rawGradientSquares: rawSquares } : {}),
      ...(fresh.curvature ? { curvature: read("curvature") } : {}),
      slot: old,
      scalar: (key) => scalar(full(key)),
      sum,
    };
    const result = transform.apply(inputs);
    for (const key of Object.keys(result.slots)) old(key);
    for (const [key, spec] of Object.entries(transform.slots)) {
      slots.push({
        ...specOf(full(key), spec),
        old: old(key),
        value: result.slots[key] ?? old(key),
        held: result.heldSlots?.[key] ?? old(key),
      });
    }
    if (result.hold) hold = hold ? or(hold, result.hold) : result.hold;
    clipped = mergeClipping(clipped, result.clipped);
    x = result.update;
    squares = result.gradientSquares;
  }
  const gate = (value: Expr, held: Expr) =>
    hold === undefined || value === held ? value : select(hold, held, value);
  const step = compileProgram({
    outputs: [
      { name: weightsName, shape: "element", value: gate(sub(weights, x), weights) },
      ...slots.map(({ name, shape, old, value, held }) => ({
        name,
        shape,
        value: value === old && held === old ? old : gate(value, held),
      })),
    ],
    ...(hold ? { hold } : {}),
  });
  let clipping: { program: Program | undefined } | undefined;
  return {
    step,
    clipping: () => (clipping ??= { program: clippingProgram(clipped, hold) }).program,
  };
}

function specOf(name: string, spec: SlotSpec): ChainSlot {
  return { name, shape: spec.shape ?? "element", fill: spec.fill ?? 0 };
}

/**
 * Composes transforms into an optimizer: `weights −= (tₙ ∘ … ∘ t₁)(gradient)`.
 *
 * Order is composition: `chain(scaleBy(signalFraction()), scaleBy(inverseCurvature(gaussNewton())))`
 * is H⁻¹T; the other way round is TH⁻¹, with T estimated on H⁻¹g, because an estimator sees what
 * flows into it.
 *
 * @throws {TypeError} If an estimator needs `gradientSquares` after a transform that does not
 * scale its input (momentum, clipping by value, weight decay), or two pieces ask for different
 * curvature samples; for what is no transform.
 *
 * @example
 * ```ts
 * import { chain, learningRate, scaleBy, signalFraction } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const snr = chain(scaleBy(signalFraction({ decay: 0.9 })), learningRate(0.1));
 * assert.deepEqual(snr.needs, ["gradient"]);
 * ```
 */
export function chain(...transforms: Transform[]): Chain {
  transforms.forEach((t, i) => checkValue("chain", t, kinds.transform, `stage ${i + 1}`));
  const seen = new Map<string, number>();
  const stages = transforms.map((transform): Stage => {
    const count = (seen.get(transform.name) ?? 0) + 1;
    seen.set(transform.name, count);
    return { name: count === 1 ? transform.name : `${transform.name}_${count}`, transform };
  });
  const taken = new Set<string>();
  for (const { name } of stages) {
    if (!/^[A-Za-z]\w*$/.test(name) || taken.has(name)) {
      throw new TypeError(
        `Cannot chain: "${name}" is ${
          taken.has(name) ? "the name of two stages" : "no name for a stage: letters, digits and _"
        }`,
      );
    }
    taken.add(name);
  }
  const needs = new Set<Evidence>(["gradient"]);
  let curvature: CurvatureSource | undefined;
  let squaresFlow = true;
  for (const { name, transform } of stages) {
    for (const kind of transform.needs) needs.add(kind);
    if (transform.needs.includes("gradientSquares") && !transform.rawSquares && !squaresFlow) {
      throw new TypeError(
        `Cannot chain: "${name}" needs gradientSquares, but a stage before it does not let them through; move it towards the front`,
      );
    }
    squaresFlow &&= transform.scales ?? false;
    const own = transform.curvature;
    if (own && transform.needs.includes("curvature")) {
      if (curvature && (curvature.kind !== own.kind || curvature.every !== own.every)) {
        throw new TypeError(
          `Cannot chain: "${name}" wants ${own.kind} curvature every ${own.every} steps, an earlier stage ${curvature.kind} every ${curvature.every}`,
        );
      }
      curvature = own;
    }
  }
  const slots = stages.flatMap(({ name, transform }) =>
    Object.entries(transform.slots).map(([key, spec]) => specOf(`${name}.${key}`, spec))
  );
  const meanings = stages
    .slice(0, stages.findLastIndex(({ transform }) => Object.keys(transform.slots).length > 0) + 1)
    .flatMap(({ name, transform }) => transform.meaning ? [`${name}=${transform.meaning}`] : []);
  const paced = stages.findLastIndex(({ transform }) => transform.learningRate);
  const pace = stages[paced]?.transform.learningRate;
  const programs = new Map<string, Programs>();
  const programsFor = (fresh: Fresh): Programs => {
    // Evidence that nothing asks for makes no difference to the program.
    const used: Fresh = {
      gradientSquares: fresh.gradientSquares && needs.has("gradientSquares"),
      curvature: fresh.curvature && needs.has("curvature"),
    };
    const key = `${used.gradientSquares}/${used.curvature}`;
    let found = programs.get(key);
    if (!found) programs.set(key, found = build(stages, used));
    return found;
  };
  // Compiled now, so that a chain that cannot work fails where it is written.
  programsFor({ gradientSquares: true, curvature: true });
  return {
    ...specify("chain", ...transforms),
    stages,
    needs: [...needs],
    slots,
    ...(curvature ? { curvature } : {}),
    ...(pace ? { learningRate: pace } : {}),
    signature: [...slots.map((s) => `${s.name}:${s.shape}`), ...meanings].join(" ") ||
      stages.map((s) => s.name).join(" "),
    program: (fresh) => programsFor(fresh).step,
    clipping: (fresh) => programsFor(fresh).clipping(),
    perParameter: stages.some(({ transform }) => transform.perParameter ?? false),
    scalars(step, previous) {
      // A rate set by hand is the last learningRate()'s: earlier ones scale what flows into it.
      const { learningRate: _, ...scheduled } = step;
      return stages.map(({ transform }, i) =>
        transform.scalars(i < paced ? scheduled : step, previous?.[i])
      );
    },
  };
}

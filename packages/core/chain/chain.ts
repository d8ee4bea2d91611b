/**
 * A chain of transforms, compiled once into one fused program.
 *
 * @module
 */
import { type Composed, flat, type InBasis, isInBasis } from "../basis/in_basis.ts";
import type { KroneckerBasis } from "../basis/types.ts";
import type { ArrayShape } from "../kernel/expr.ts";
import type { Program } from "../kernel/program.ts";
import {
  type buildDivided,
  buildFused,
  type DividedPrograms,
  type Fresh,
  type Programs,
  specOf,
  type Stage,
  weightsName,
  type Writes,
} from "./build.ts";
import type { Clips } from "./clipping.ts";
import { checkValue } from "../checks.ts";
import * as kinds from "../kinds.ts";
import { type Specified, specify } from "./specification.ts";
import type { CurvatureSource, Evidence, Scalars, StepInfo, Transform } from "./types.ts";

/** A slot of a chain; its name is `stage.slot`. */
export interface ChainSlot {
  readonly name: string;
  readonly shape: ArrayShape;
  readonly fill: number;
  /** Whether it turns with the chain's basis: an average of what flows in. */
  readonly turns: boolean;
}

/** An optimizer: transforms in order; the last one's output is subtracted from the weights. */
export interface Chain extends Specified, Composed {
  readonly stages: readonly Stage[];
  readonly needs: readonly Evidence[];
  /** What its stages keep; a basis keeps more, see `slotsOf()`. */
  readonly slots: readonly ChainSlot[];
  /** The basis that some of its stages work in, if any. */
  readonly basis?: KroneckerBasis;
  /** Curvature that the host has to sample, if any. */
  readonly curvature?: CurvatureSource;
  /** The learning rate after so many updates, if it has one: that of its last learningRate(). */
  learningRate?(updates: number): number;
  /** Names and meanings of the slots: states are exchangeable between chains that agree in it. */
  readonly signature: string;
  /** The fused program for steps that bring this evidence; compiled on first use. */
  program(fresh: Fresh, writes?: Writes): Program;
  /** The programs for tensors that the basis rotates; only for chains that have one. */
  divided(fresh: Fresh, writes?: Writes): DividedPrograms;
  /** What such a step clips. */
  clips(fresh: Fresh): Clips;
  /** True if two parameters with the same history may have different scalars. */
  readonly perParameter: boolean;
  /** This step's scalars of each stage, given those of the last applied step. */
  scalars(step: StepInfo, previous: readonly Scalars[] | undefined): readonly Scalars[];
}

/**
 * Composes transforms into an optimizer: `weights −= (tₙ ∘ … ∘ t₁)(gradient)`.
 *
 * Order is composition: `chain(scaleBy(signalFraction()), scaleBy(inverseCurvature(gaussNewton())))`
 * is H⁻¹T; the other way round is TH⁻¹, with T estimated on H⁻¹g, because an estimator sees what
 * flows into it. A chain among them stands for its own transforms: `chain(chain(a, b), c)` is
 * `chain(a, b, c)`, and `chain(clipByGlobalNorm(1), adam())` is Adam on clipped gradients.
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
export function chain(...given: readonly (Transform | InBasis | Composed)[]): Chain {
  const transforms = flat(given);
  transforms.forEach((t, i) => {
    if (!isInBasis(t)) checkValue("chain", t, kinds.transform, `stage ${i + 1}`);
  });
  const bases = transforms.filter(isInBasis);
  if (bases.length > 1) {
    throw new TypeError(
      `Cannot chain: at most one inBasis() is possible, there are ${bases.length}; put all into one`,
    );
  }
  const basis = bases[0]?.transforms.length ? bases[0].basis : undefined;
  const seen = new Map<string, number>();
  const stages = transforms.flatMap((given): Stage[] => {
    const inside = isInBasis(given);
    return (inside ? given.transforms : [given]).map((transform) => {
      const count = (seen.get(transform.name) ?? 0) + 1;
      seen.set(transform.name, count);
      const name = count === 1 ? transform.name : `${transform.name}_${count}`;
      return { name, transform, inside };
    });
  });
  const taken = new Set<string>(["basis"]);
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
        `Cannot chain: "${name}" needs gradientSquares, but a stage before it does not let them through; put it before that`,
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
  // Evidence that nothing asks for makes no difference to the program.
  const usedOf = (fresh: Fresh): Fresh => ({
    gradientSquares: fresh.gradientSquares && needs.has("gradientSquares"),
    curvature: fresh.curvature && needs.has("curvature"),
  });
  const once = <T>(build: (stages: readonly Stage[], fresh: Fresh, writes: Writes) => T) => {
    const built = new Map<string, T>();
    return (fresh: Fresh, writes: Writes = weightsName): T => {
      const used = usedOf(fresh);
      const key = `${used.gradientSquares}/${used.curvature}/${writes}`;
      let found = built.get(key);
      if (!found) built.set(key, found = build(stages, used, writes));
      return found;
    };
  };
  const programsFor = once<Programs>(buildFused);
  const dividedFor = once<DividedPrograms>((...given) =>
    (basis!.work.buildDivided as typeof buildDivided)(...given)
  );
  // Compiled now, so that a chain that cannot work fails where it is written.
  programsFor({ gradientSquares: true, curvature: true });
  if (basis) dividedFor({ gradientSquares: true, curvature: true });
  return {
    ...specify("chain", ...transforms),
    parts: transforms,
    stages,
    needs: [...needs],
    slots,
    ...(basis ? { basis } : {}),
    ...(curvature ? { curvature } : {}),
    ...(pace ? { learningRate: pace } : {}),
    signature: (basis ? `${basis.kind} ` : "") +
      ([...slots.map((s) => `${s.name}:${s.shape}`), ...meanings].join(" ") ||
        stages.map((s) => s.name).join(" ")),
    program: (fresh, writes) => programsFor(fresh, writes).step,
    divided: dividedFor,
    clips: (fresh) => programsFor(fresh).clips,
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

/**
 * Steps a definition over parameters on any backend: slots, step counts, scalars, cadence, state.
 *
 * @module
 */
import { type Fresh, updateName, weightsName, type Writes } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import { chainFor, type Definition } from "../chain/per_parameter.ts";
import { rateControl } from "../chain/rate.ts";
import type { Program } from "../kernel/program.ts";
import type { Backend, Kernel } from "./backend.ts";
import type { ClippedCounts, Contribution, StepOptions } from "./contribution.ts";
import type { DriverState, ParameterState } from "./driver_state.ts";
import { type Plan, planOf } from "./plan.ts";
import { createStepper, type Outcome } from "./step.ts";

/** What a step left. */
export interface StepResult<A> {
  /**
   * New weights, or updates where the contributions have arrays for them, in the order of the
   * contributions; the same arrays if written in place.
   */
  readonly weights: readonly A[];
  readonly held: readonly boolean[];
  /**
   * With `countClipped`, in the order of the contributions: `elements` that a bound changed, and 1 in
   * `norm` if a bound on a norm scaled the step. New arrays that the caller disposes.
   */
  readonly clipped?: readonly ClippedCounts<A>[];
}

/** A definition with its state, on one backend. */
export interface Driver<A> {
  readonly definition: Definition;
  /** Updates done. */
  readonly iteration: number;
  /**
   * The learning rate that the next update takes. Setting it overrides the schedule until undefined is
   * set; groups keep their ratios. Undefined if the definition has none.
   *
   * @throws {TypeError} If it is set and the definition, or one of its groups, has none.
   */
  learningRate: number | undefined;
  /**
   * Whether the next step of these parameters should bring a curvature sample: one of them has none
   * yet, or the number of their own updates is a multiple of the source's `every`.
   */
  curvatureDue(names: readonly string[]): boolean;
  /**
   * One update. Nothing changes if it throws.
   *
   * @throws {TypeError} If evidence is there for some parameters and not for others, a needed
   * sample is missing, or a shape differs from the state's.
   */
  step(contributions: readonly Contribution<A>[], options?: StepOptions): StepResult<A>;
  /**
   * Resolves when what the next step takes of an eigenbasis has been read from the device; undefined if
   * nothing is on its way. Hosts with asynchronous steps await it before each, so that runs repeat.
   */
  ready(): Promise<void> | undefined;
  /** The named slot (`stage.slot`) of a parameter. */
  slot(parameter: string, slot: string): A;
  /** The state; its arrays are the live ones. */
  state(): DriverState<A>;
  /** Takes over a state and its arrays, and disposes those of the current ones that are not in it. */
  replaceState(state: DriverState<A>): void;
  /** Disposes every slot. */
  dispose(): void;
}

/** Makes a driver without any state; slots appear when a parameter takes its first step. */
export function createDriver<A>(definition: Definition, backend: Backend<A>): Driver<A> {
  const kernels = new Map<Program, Kernel<A> & { plan: Plan }>();
  let parameters = new Map<string, ParameterState<A>>();
  let iteration = 0;
  let past: readonly string[] | undefined;
  const rate = rateControl(definition, () => iteration);

  const kernelOf = (chain: Chain, program: Program) => {
    let found = kernels.get(program);
    if (!found) {
      const kernel = backend.compile(program);
      kernels.set(
        program,
        found = {
          run: (calls) => kernel.run(calls),
          dispose: () => kernel.dispose?.(),
          plan: planOf(chain, program),
        },
      );
    }
    return found;
  };

  const presentIn = (given: readonly Contribution<A>[]) => {
    const has = (kind: "gradientSquares" | "curvature" | "update") => {
      const first = given[0]![kind] !== undefined;
      const other = given.find((c) => (c[kind] !== undefined) !== first);
      if (other) {
        const [yes, no] = first ? [given[0]!, other] : [other, given[0]!];
        throw new TypeError(
          `Cannot step: ${kind} is given for "${yes.name}" but not for "${no.name}"`,
        );
      }
      return first;
    };
    const fresh: Fresh = { gradientSquares: has("gradientSquares"), curvature: has("curvature") };
    const writes: Writes = has("update") ? updateName : weightsName;
    return { fresh, writes };
  };

  const stepper = createStepper({
    backend,
    kernelOf,
    rateOf: (chain, given) => rate.override(chain, given),
    stateOf: (name) => parameters.get(name),
    commit: (name, state) => void parameters.set(name, state),
  });

  return {
    definition,
    get iteration() {
      return iteration;
    },
    get learningRate() {
      return rate.value;
    },
    set learningRate(value) {
      rate.value = value;
    },
    curvatureDue(names) {
      const source = definition.curvature;
      if (!source || !definition.needs.includes("curvature")) return false;
      let steps = 0;
      for (const name of names) {
        const known = parameters.get(name);
        if ((known?.samples.curvature ?? 0) < (source.first ?? 1)) return true;
        steps = Math.max(steps, known!.step);
      }
      // Their own: another set of parameters may step in between.
      return steps % source.every === 0;
    },
    step(contributions, options = {}) {
      if (contributions.length === 0) return { weights: [], held: [] };
      const names = new Set<string>();
      for (const { name } of contributions) {
        if (names.has(name)) {
          throw new TypeError(`Cannot step: parameter "${name}" is given twice`);
        }
        names.add(name);
      }
      const { batchSize = 1 } = options;
      if (!(batchSize > 0 && batchSize < Infinity)) {
        throw new RangeError(
          `Cannot step: batchSize must be positive, current value is ${batchSize}`,
        );
      }
      const what = presentIn(contributions);
      const groups = new Map<Chain, number[]>();
      contributions.forEach((c, i) => {
        const chain = chainFor(definition, c);
        const members = groups.get(chain);
        if (members === undefined) groups.set(chain, [i]);
        else members.push(i);
      });
      // All checks and all memory of all groups first, then all updates.
      const made: A[] = [];
      const members = [...groups.values()];
      let outcomes: Outcome<A>[][];
      try {
        const ready = [...groups].map(([chain, indices]) =>
          stepper.prepare(
            chain,
            indices.map((i) => contributions[i]!),
            what,
            { ...options, iteration },
            made,
          )
        );
        outcomes = stepper.run(ready);
      } catch (error) {
        made.forEach((array) => backend.dispose(array));
        throw error;
      }
      const weights: A[] = new Array(contributions.length);
      const held: boolean[] = new Array(contributions.length);
      const clipped: ClippedCounts<A>[] = new Array(contributions.length);
      outcomes.forEach((group, g) =>
        group.forEach((outcome, k) => {
          const i = members[g]![k]!;
          weights[i] = outcome.weights;
          held[i] = outcome.held;
          clipped[i] = outcome.clipped;
        })
      );
      if (held.some((h) => !h)) iteration++;
      return { weights, held, ...(options.countClipped ? { clipped } : {}) };
    },
    ready: () => stepper.ready(),
    slot(parameter, slot) {
      const state = parameters.get(parameter);
      const array = state && Object.hasOwn(state.slots, slot) ? state.slots[slot] : undefined;
      if (array === undefined) {
        throw new TypeError(
          `Cannot find slot "${String(slot)}" of "${String(parameter)}": known are ${
            state
              ? Object.keys(state.slots).join(", ") || "no slots"
              : [...parameters.keys()].join(", ") || "no parameters yet"
          }`,
        );
      }
      return array;
    },
    state: () => ({
      iteration,
      parameters,
      ...(rate.saved ? { learningRate: rate.saved } : {}),
      ...(past ? { past } : {}),
    }),
    replaceState(state) {
      stepper.forget();
      const old = parameters;
      parameters = new Map(state.parameters);
      iteration = state.iteration;
      rate.saved = state.learningRate;
      past = state.past;
      // Arrays that both have stay: a state may be the old one under other names.
      const kept = new Set<A>();
      for (const { slots } of parameters.values()) {
        for (const a of Object.values(slots)) kept.add(a);
      }
      for (const { slots } of old.values()) {
        for (const a of Object.values(slots)) if (!kept.has(a)) backend.dispose(a);
      }
    },
    dispose() {
      for (const { slots } of parameters.values()) {
        Object.values(slots).forEach((a) => backend.dispose(a));
      }
      parameters.clear();
      stepper.dispose();
      for (const kernel of kernels.values()) kernel.dispose?.();
      kernels.clear();
      iteration = 0;
      past = undefined;
      rate.saved = undefined;
    },
  };
}

/**
 * Steps a definition over parameters on any backend: slots, step counts, scalars, cadence, state.
 *
 * @module
 */
import { type Chain, type Fresh, weightsName } from "../chain/chain.ts";
import { chainFor, type Definition } from "../chain/per_parameter.ts";
import { inspectionProgram } from "../chain/inspection.ts";
import { rateControl } from "../chain/rate.ts";
import type { Inspection, ParameterInfo, Scalars, StepInfo } from "../chain/types.ts";
import type { Program } from "../kernel/program.ts";
import { type Backend, type Kernel, layout } from "./backend.ts";
import { type ClippedCounts, countClipped } from "./clipped.ts";
import type { DriverState, ParameterState } from "./driver_state.ts";
import { inspectState } from "./inspect.ts";
import { type Plan, planOf, scalarVector } from "./plan.ts";

/** One parameter's share of a step. */
export interface Contribution<A> extends ParameterInfo {
  readonly weights: A;
  readonly gradient: A;
  readonly gradientSquares?: A | undefined;
  readonly curvature?: A | undefined;
}

/** What a step brings besides arrays. */
export interface StepOptions {
  /** Examples in the batch, default 1; matters where batches of different size are averaged. */
  readonly batchSize?: number | undefined;
  /** k of `gradientSquares`. */
  readonly microBatches?: number | undefined;
  /** Overrides the learning rate in this step; groups keep their ratios. */
  readonly learningRate?: number | undefined;
  /** Count what the chain's bounds change in this step; default false. */
  readonly countClipped?: boolean | undefined;
}

/** What a step left. */
export interface StepResult<A> {
  /** New weights, in the order of the contributions; the same arrays if updated in place. */
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
  /** The named slot (`stage.slot`) of a parameter. */
  slot(parameter: string, slot: string): A;
  /**
   * What the chain's signal fraction knows of a parameter, as new arrays that the caller disposes;
   * undefined if its chain estimates no noise or it never took a step.
   */
  inspect(parameter: string): Readonly<Record<keyof Inspection, A>> | undefined;
  /** The state; its arrays are the live ones. */
  state(): DriverState<A>;
  /** Takes over a state and its arrays and disposes the current ones. */
  replaceState(state: DriverState<A>): void;
  /** Disposes every slot. */
  dispose(): void;
}

const show = (shape: readonly number[]) => `[${shape.join()}]`;

/** Makes a driver without any state; slots appear when a parameter takes its first step. */
export function createDriver<A>(definition: Definition, backend: Backend<A>): Driver<A> {
  const kernels = new Map<Program, Kernel<A> & { plan: Plan }>();
  let parameters = new Map<string, ParameterState<A>>();
  const inspections = new Map<Chain, Program | undefined>();
  let iteration = 0;
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

  const freshOf = (given: readonly Contribution<A>[]): Fresh => {
    const has = (kind: "gradientSquares" | "curvature") => {
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
    return { gradientSquares: has("gradientSquares"), curvature: has("curvature") };
  };

  const runGroup = (
    chain: Chain,
    given: readonly Contribution<A>[],
    fresh: Fresh,
    options: StepOptions,
    made: A[],
  ) => {
    const program = chain.program(fresh);
    const { run, plan } = kernelOf(chain, program);
    // Parameters with the same history share their scalars: computed once, compared by identity.
    const memo: { before: ParameterState<A> | undefined; scalars: readonly Scalars[] }[] = [];
    const vectors = new Map<readonly Scalars[], Float64Array>();
    const prepared = given.map(({ name, shape }) => {
      const before = parameters.get(name);
      if (before && show(before.shape) !== show(shape)) {
        throw new TypeError(
          `Cannot step "${name}": its state has shape ${show(before.shape)}, current shape is ${
            show(shape)
          }`,
        );
      }
      const samples = {
        gradientSquares: (before?.samples.gradientSquares ?? 0) + Number(fresh.gradientSquares),
        curvature: (before?.samples.curvature ?? 0) + Number(fresh.curvature),
      };
      const learningRate = rate.override(chain, options.learningRate);
      const info: StepInfo = {
        step: (before?.step ?? 0) + 1,
        iteration: iteration + 1,
        parameter: { name, shape },
        samples,
        fresh,
        batchSize: options.batchSize ?? 1,
        microBatches: options.microBatches ?? 1,
        ...(learningRate === undefined ? {} : { learningRate }),
      };
      let scalars = chain.perParameter
        ? undefined
        : memo.find((m) =>
          m.before?.scalars === before?.scalars && m.before?.step === before?.step &&
          m.before?.samples.curvature === before?.samples.curvature &&
          m.before?.samples.gradientSquares === before?.samples.gradientSquares
        )?.scalars;
      if (!scalars) {
        scalars = chain.scalars(info, before?.scalars);
        memo.push({ before, scalars });
      }
      let vector = vectors.get(scalars);
      if (!vector) {
        vector = scalarVector(chain, plan, scalars, name);
        vectors.set(scalars, vector);
      }
      return { before, step: info.step, samples, scalars, vector };
    });
    const states = prepared.map(({ before }, i): ParameterState<A> => {
      const { shape } = given[i]!;
      if (before) return before;
      const { rows } = layout(shape);
      const shapes = { element: shape, row: [rows], tensor: [] };
      const slots: Record<string, A> = {};
      for (const slot of chain.slots) {
        const array = backend.allocate(shapes[slot.shape], slot.fill);
        made.push(array);
        slots[slot.name] = array;
      }
      const samples = { gradientSquares: 0, curvature: 0 };
      return { shape: [...shape], signature: chain.signature, step: 0, samples, slots };
    });
    const arrayOf = (i: number) => (name: string): A =>
      name === weightsName
        ? given[i]!.weights
        : name === "gradient" || name === "gradientSquares" || name === "curvature"
        ? given[i]![name]!
        : states[i]!.slots[name]!;
    const counting = options.countClipped ? chain.clipping(fresh) : undefined;
    const counter = counting && kernelOf(chain, counting);
    /** Before the step, which may write into the slots that this reads. */
    const count = (): ClippedCounts<A>[] => {
      if (!counter) return given.map(() => ({}));
      const calls = given.map(({ name, shape }, i) => ({
        ...layout(shape),
        inputs: counter.plan.inputs.map(arrayOf(i)),
        scalars: scalarVector(chain, counter.plan, prepared[i]!.scalars, name),
      }));
      return countClipped(backend, counter, counter.plan, calls);
    };
    return () => {
      const clipped = count();
      const calls = given.map((c, i) => ({
        ...layout(c.shape),
        inputs: plan.inputs.map(arrayOf(i)),
        outputs: plan.outputs.map(arrayOf(i)),
        scalars: prepared[i]!.vector,
      }));
      const results = run(calls);
      return results.map(({ outputs, held }, i) => {
        const { name, weights } = given[i]!;
        const state = states[i]!;
        let updated = weights;
        const slots = { ...state.slots };
        plan.outputs.forEach((output, o) => {
          const array = outputs[o]!;
          if (output === weightsName) updated = array;
          else if (slots[output] !== array) {
            backend.dispose(slots[output]!);
            slots[output] = array;
          }
        });
        const { step, samples, scalars } = prepared[i]!;
        parameters.set(
          name,
          held ? { ...state, slots } : { ...state, slots, step, samples, scalars },
        );
        return { weights: updated, held, clipped: clipped[i]! };
      });
    };
  };

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
        if (!known?.samples.curvature) return true;
        steps = Math.max(steps, known.step);
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
      const fresh = freshOf(contributions);
      const groups = new Map<Chain, number[]>();
      contributions.forEach((c, i) => {
        const chain = chainFor(definition, c);
        groups.set(chain, [...(groups.get(chain) ?? []), i]);
      });
      // All checks and all memory of all groups first, then all updates.
      const made: A[] = [];
      let ready: { members: number[]; run: ReturnType<typeof runGroup> }[];
      try {
        ready = [...groups].map(([chain, members]) => ({
          members,
          run: runGroup(chain, members.map((i) => contributions[i]!), fresh, options, made),
        }));
      } catch (error) {
        made.forEach((array) => backend.dispose(array));
        throw error;
      }
      const weights: A[] = new Array(contributions.length);
      const held: boolean[] = new Array(contributions.length);
      const clipped: ClippedCounts<A>[] = new Array(contributions.length);
      for (const { members, run } of ready) {
        run().forEach((result, k) => {
          weights[members[k]!] = result.weights;
          held[members[k]!] = result.held;
          clipped[members[k]!] = result.clipped;
        });
      }
      if (held.some((h) => !h)) iteration++;
      return { weights, held, ...(options.countClipped ? { clipped } : {}) };
    },
    slot(parameter, slot) {
      const state = parameters.get(parameter);
      const array = state?.slots[slot];
      if (array === undefined) {
        throw new TypeError(
          `Cannot find slot "${slot}" of "${parameter}": known are ${
            state
              ? Object.keys(state.slots).join(", ") || "no slots"
              : [...parameters.keys()].join(", ") || "no parameters yet"
          }`,
        );
      }
      return array;
    },
    inspect(parameter) {
      const state = parameters.get(parameter);
      if (!state?.scalars) return undefined;
      const chain = chainFor(definition, { name: parameter, shape: state.shape });
      if (!inspections.has(chain)) inspections.set(chain, inspectionProgram(chain));
      const program = inspections.get(chain);
      if (!program) return undefined;
      const kernel = kernelOf(chain, program);
      return inspectState(backend, kernel, kernel.plan, state);
    },
    state: () => ({
      iteration,
      parameters,
      ...(rate.saved ? { learningRate: rate.saved } : {}),
    }),
    replaceState(state) {
      const old = parameters;
      parameters = new Map(state.parameters);
      iteration = state.iteration;
      rate.saved = state.learningRate;
      for (const { slots } of old.values()) Object.values(slots).forEach((a) => backend.dispose(a));
    },
    dispose() {
      for (const { slots } of parameters.values()) {
        Object.values(slots).forEach((a) => backend.dispose(a));
      }
      parameters.clear();
      for (const kernel of kernels.values()) kernel.dispose?.();
      kernels.clear();
      iteration = 0;
      rate.saved = undefined;
    },
  };
}

/**
 * One step of the parameters that share a chain: prepared (checks and memory), run, committed.
 *
 * @module
 */
import { sidesOf } from "../basis/sides.ts";
import { flowName, type Fresh, heldName, type Programs, weightsName } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import { basisSlots, slotsOf } from "../chain/slots.ts";
import type { Scalars, StepInfo } from "../chain/types.ts";
import type { Program } from "../kernel/program.ts";
import { type Backend, type Kernel, layout } from "./backend.ts";
import { type ClippedCounts, countClipped } from "./clipped.ts";
import type { Contribution, StepOptions } from "./contribution.ts";
import type { ParameterState } from "./driver_state.ts";
import { type Plan, scalarVector } from "./plan.ts";
import {
  type BasisValues,
  createRotation,
  type Grams,
  identity,
  type Rotation,
} from "./rotation.ts";
import { createScratch } from "./scratch.ts";

/** What a step needs of its driver. */
export interface StepperHost<A> {
  readonly backend: Backend<A>;
  kernelOf(chain: Chain, program: Program): Kernel<A> & { readonly plan: Plan };
  /** A rate set by hand, for this chain. */
  rateOf(chain: Chain, given: number | undefined): number | undefined;
  stateOf(name: string): ParameterState<A> | undefined;
  commit(name: string, state: ParameterState<A>): void;
}

/** One parameter of a step, with all that can be known before kernels run. */
interface Prepared<A> {
  readonly given: Contribution<A>;
  readonly state: ParameterState<A>;
  readonly step: number;
  readonly samples: ParameterState<A>["samples"];
  readonly scalars: readonly Scalars[];
  /** The slots as they become. */
  readonly slots: Record<string, A>;
}

/** Parameters of one chain, ready to run. */
export interface PreparedGroup<A> {
  readonly chain: Chain;
  readonly fresh: Fresh;
  readonly countClipped: boolean;
  readonly items: readonly Prepared<A>[];
}

/** What a step made of one parameter. */
export interface Outcome<A> {
  readonly weights: A;
  readonly held: boolean;
  readonly clipped: ClippedCounts<A>;
}

/** Prepares and runs steps. */
export interface Stepper<A> {
  /** Checks everything and allocates slots of new parameters; arrays that it makes are added to `made`. */
  prepare(
    chain: Chain,
    given: readonly Contribution<A>[],
    fresh: Fresh,
    options: StepOptions & { readonly iteration: number },
    made: A[],
  ): PreparedGroup<A>;
  run(group: PreparedGroup<A>): Outcome<A>[];
  /** Drops refreshes under way: the state is another one. */
  forget(): void;
  dispose(): void;
}

const show = (shape: readonly number[]) => `[${shape.join()}]`;

/** A refresh of a basis under way: read from the device, to take effect later. */
interface Pending {
  readonly count: number;
  /** The step before which it takes effect. */
  readonly due: number;
  values?: BasisValues;
}

/** Makes the stepper of one driver. */
export function createStepper<A>(host: StepperHost<A>): Stepper<A> {
  const { backend, kernelOf } = host;
  const scratch = createScratch(backend);
  const rotations = new Map<Chain, Rotation<A>>();
  const pending = new Map<string, Pending>();

  const rotationOf = (chain: Chain): Rotation<A> => {
    let found = rotations.get(chain);
    if (!found) rotations.set(chain, found = createRotation(chain.basis!, backend, scratch));
    return found;
  };

  const newState = (
    chain: Chain,
    { shape, rowsPerStep }: Contribution<A>,
    batchSize: number,
    made: A[],
  ): ParameterState<A> => {
    const sides = chain.basis &&
      sidesOf(chain.basis, shape, backend.outputAxis ?? "last", rowsPerStep ?? batchSize);
    const slots: Record<string, A> = {};
    const vectors: readonly string[] = Object.values(basisSlots).map((s) => s.vectors);
    for (const slot of slotsOf(chain, shape, sides)) {
      const array = vectors.includes(slot.name)
        ? backend.write(identity(slot.shape[0]!), slot.shape)
        : backend.allocate(slot.shape, slot.fill);
      made.push(array);
      slots[slot.name] = array;
    }
    return {
      shape: [...shape],
      signature: chain.signature,
      step: 0,
      samples: { gradientSquares: 0, curvature: 0 },
      ...(sides ? { sides } : {}),
      slots,
    };
  };

  const prepare: Stepper<A>["prepare"] = (chain, given, fresh, options, made) => {
    const { iteration, batchSize = 1 } = options;
    // Squares of an unknown number of micro-batches tell nothing: who needs the number refuses NaN.
    const { microBatches = fresh.gradientSquares ? NaN : 1 } = options;
    const learningRate = host.rateOf(chain, options.learningRate);
    // Parameters with the same history share their scalars: computed once, compared by identity.
    const memo: { before: ParameterState<A> | undefined; scalars: readonly Scalars[] }[] = [];
    const items = given.map((contribution): Prepared<A> => {
      const { name, shape } = contribution;
      const before = host.stateOf(name);
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
      const info: StepInfo = {
        step: (before?.step ?? 0) + 1,
        iteration: iteration + 1,
        parameter: { name, shape },
        samples,
        fresh,
        batchSize,
        microBatches,
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
      const state = before ?? newState(chain, contribution, batchSize, made);
      const { step } = info;
      return { given: contribution, state, step, samples, scalars, slots: { ...state.slots } };
    });
    const group = {
      chain,
      fresh,
      countClipped: options.countClipped ?? false,
      items,
    };
    // Compiled and checked now, so that nothing is half done where a program cannot be had.
    for (const { step } of programsOf(group)) vectorsOf(chain, kernelOf(chain, step).plan, items);
    return group;
  };

  /** The programs of a step, in order; of a chain without rotated tensors one. */
  const programsOf = (
    { chain, fresh, items }: Pick<PreparedGroup<A>, "chain" | "fresh" | "items">,
  ): Programs[] => {
    const { fused, divided } = split(chain, fresh, items);
    const programs: Programs[] = fused.length > 0
      ? [{ step: chain.program(fresh), clipping: () => chain.clipping(fresh) }]
      : [];
    if (divided.length === 0) return programs;
    const { before, inside, after } = chain.divided(fresh);
    return [...programs, ...(before ? [before] : []), inside, after];
  };

  /** Which parameters run in one program, and which in the basis. */
  const split = (chain: Chain, fresh: Fresh, items: readonly Prepared<A>[]) => {
    const rotated = items.filter(({ state }) => state.sides);
    if (rotated.length === 0) return { fused: items, divided: rotated };
    if (chain.divided(fresh).sumsOverAll) return { fused: [], divided: items };
    return { fused: items.filter(({ state }) => !state.sides), divided: rotated };
  };

  /** The scalars of a program for each parameter; equal ones are one array. */
  const vectorsOf = (chain: Chain, plan: Plan, items: readonly Prepared<A>[]) => {
    const known = new Map<readonly Scalars[], Float64Array>();
    return items.map(({ scalars, given }) => {
      let vector = known.get(scalars);
      if (!vector) known.set(scalars, vector = scalarVector(chain, plan, scalars, given.name));
      return vector;
    });
  };

  /**
   * Runs a program on each item. `arrays` has what is no slot and no evidence; it and the slots get the
   * new arrays.
   */
  const runProgram = (
    chain: Chain,
    programs: Programs,
    items: readonly Prepared<A>[],
    arrays: readonly Record<string, A>[],
    counting: boolean,
  ): { held: boolean[]; clipped: ClippedCounts<A>[] } => {
    const arrayOf = (i: number) => (name: string): A => {
      const { given, slots } = items[i]!;
      const own = arrays[i]![name];
      if (own !== undefined) return own;
      return name === "gradient" || name === "gradientSquares" || name === "curvature"
        ? given[name]!
        : slots[name]!;
    };
    const clipping = counting ? programs.clipping() : undefined;
    const counter = clipping && kernelOf(chain, clipping);
    let clipped: ClippedCounts<A>[] = items.map(() => ({}));
    if (counter) {
      // Before the step, which may write into the slots that this reads.
      const vectors = vectorsOf(chain, counter.plan, items);
      const calls = items.map(({ given }, i) => ({
        ...layout(given.shape),
        inputs: counter.plan.inputs.map(arrayOf(i)),
        scalars: vectors[i]!,
      }));
      clipped = countClipped(backend, counter, counter.plan, calls);
    }
    const { run, plan } = kernelOf(chain, programs.step);
    const vectors = vectorsOf(chain, plan, items);
    const results = run(items.map(({ given }, i) => ({
      ...layout(given.shape),
      inputs: plan.inputs.map(arrayOf(i)),
      outputs: plan.outputs.map(arrayOf(i)),
      scalars: vectors[i]!,
    })));
    results.forEach(({ outputs }, i) =>
      plan.outputs.forEach((name, o) => {
        const array = outputs[o]!;
        const { slots } = items[i]!;
        const own = arrays[i]!;
        if (own[name] !== undefined) {
          if (own[name] !== array && name !== weightsName) backend.dispose(own[name]!);
          own[name] = array;
        } else if (slots[name] !== array) {
          backend.dispose(slots[name]!);
          slots[name] = array;
        }
      })
    );
    return { held: results.map(({ held }) => held), clipped };
  };

  const commit = ({ given, state, slots, step, samples, scalars }: Prepared<A>, held: boolean) =>
    host.commit(
      given.name,
      held ? { ...state, slots } : { ...state, slots, step, samples, scalars },
    );

  const runFused = (
    { chain, fresh, countClipped }: PreparedGroup<A>,
    items: readonly Prepared<A>[],
  ): Outcome<A>[] => {
    const arrays = items.map(({ given }): Record<string, A> => ({ [weightsName]: given.weights }));
    const programs = { step: chain.program(fresh), clipping: () => chain.clipping(fresh) };
    const { held, clipped } = runProgram(chain, programs, items, arrays, countClipped);
    items.forEach((item, i) => commit(item, held[i]!));
    return items.map((_, i) => ({
      weights: arrays[i]![weightsName]!,
      held: held[i]!,
      clipped: clipped[i]!,
    }));
  };

  const runDivided = (
    { chain, fresh, countClipped }: PreparedGroup<A>,
    items: readonly Prepared<A>[],
  ): Outcome<A>[] => {
    const { before, copy, inside, after, holds } = chain.divided(fresh);
    const basis = chain.basis!;
    const rotation = rotationOf(chain);
    const shapes = items.map(({ given }) => given.shape);
    const counts: ClippedCounts<A>[] = items.map(() => ({}));
    const count = (found: readonly ClippedCounts<A>[]) =>
      found.forEach((clipped, i) => {
        // Bounds on both sides of a basis: what the last one does is what the weights see.
        for (const [kind, array] of Object.entries(clipped)) {
          const known = counts[i]![kind as keyof ClippedCounts<A>];
          if (known !== undefined) backend.dispose(known);
          counts[i] = { ...counts[i], [kind]: array };
        }
      });
    const arrays = items.map(({ given }): Record<string, A> => ({ [weightsName]: given.weights }));
    if (before) {
      arrays.forEach((own, i) => {
        own[flowName] = scratch.take(shapes[i]!);
        if (holds) own[heldName] = scratch.take([]);
      });
      count(runProgram(chain, before, items, arrays, countClipped).clipped);
    }
    const rotated = items.flatMap(({ state }, i) => state.sides ? [i] : []);
    const turning = rotated.map((i) => ({
      shape: shapes[i]!,
      sides: items[i]!.state.sides!,
      slots: items[i]!.slots,
    }));
    const flowing = rotated.map((i) => arrays[i]![flowName] ?? items[i]!.given.gradient);
    const sampled = items.map(({ step }) => (step - 1) % basis.gramEvery === 0);
    const due = rotated.flatMap((i, k) => sampled[i] ? [k] : []);
    const grams: Grams<A>[] = rotation.grams(
      due.map((k) => turning[k]!),
      due.map((k) => flowing[k]!),
    );
    const turned = rotation.turn(turning, flowing);
    rotated.forEach((i, k) => {
      const flow = arrays[i]![flowName];
      if (flow !== undefined) scratch.give(shapes[i]!, flow);
      arrays[i]![flowName] = turned[k]!;
    });
    const plain = items.flatMap((_, i) => arrays[i]![flowName] === undefined ? [i] : []);
    if (plain.length > 0) {
      // No side of these turns, and the gradient must not be written into.
      plain.forEach((i) => arrays[i]![flowName] = scratch.take(shapes[i]!));
      const pick = <T>(list: readonly T[]) => plain.map((i) => list[i]!);
      runProgram(chain, copy, pick(items), pick(arrays), false);
    }
    count(runProgram(chain, inside, items, arrays, countClipped).clipped);
    const back = rotation.turnBack(turning, rotated.map((i) => arrays[i]![flowName]!));
    rotated.forEach((i, k) => {
      scratch.give(shapes[i]!, arrays[i]![flowName]!);
      arrays[i]![flowName] = back[k]!;
    });
    const { held, clipped } = runProgram(chain, after, items, arrays, countClipped);
    count(clipped);
    const active = due.map((k, d) => ({ k, d })).filter(({ k }) => !held[rotated[k]!]);
    rotation.average(
      active.map(({ k }) => turning[k]!),
      active.map(({ d }) => grams[d]!),
      active.map(({ k }) => (items[rotated[k]!]!.step - 1) / basis.gramEvery + 1),
      active.map(({ k }) => arrays[rotated[k]!]![heldName]),
    );
    due.forEach((k, d) => {
      if (!held[rotated[k]!]) return;
      const { sides } = turning[k]!;
      const { left, right } = grams[d]!;
      if (left !== undefined) scratch.give([sides.rows, sides.rows], left);
      if (right !== undefined) scratch.give([sides.columns, sides.columns], right);
    });
    arrays.forEach((own, i) => {
      scratch.give(shapes[i]!, own[flowName]!);
      if (own[heldName] !== undefined) scratch.give([], own[heldName]);
    });
    items.forEach((item, i) => {
      if (!held[i]) refresh(chain, rotation, item);
      commit(item, held[i]!);
    });
    return items.map((_, i) => ({
      weights: arrays[i]![weightsName]!,
      held: held[i]!,
      clipped: counts[i]!,
    }));
  };

  /** After a step: takes new eigenvectors that are due, and begins to read those that come next. */
  const refresh = (
    chain: Chain,
    rotation: Rotation<A>,
    { given: { name, shape }, state: { sides }, step, slots }: Prepared<A>,
  ) => {
    if (!sides) return;
    const { every } = chain.basis!;
    const turning = chain.stages.flatMap(({ name, transform, inside }) =>
      inside
        ? Object.entries(transform.slots).flatMap(([key, { turns }]) =>
          turns ? [`${name}.${key}`] : []
        )
        : []
    );
    const item = { shape, sides, slots };
    const take = (values: BasisValues, count: number) =>
      rotation.refresh(item, values, count, turning);
    const waiting = pending.get(name);
    if (waiting?.values && step >= waiting.due) {
      pending.delete(name);
      take(waiting.values, waiting.count);
    }
    if (step % every !== 0 || pending.has(name)) return;
    const values = rotation.read(item);
    const count = step / every;
    if (!(values instanceof Promise)) {
      take(values, count);
      return;
    }
    const next: Pending = { count, due: step + every };
    pending.set(name, next);
    // A device that is lost fails the next step; here the basis only stays as it is.
    values.then((read) => void (next.values = read), () => void pending.delete(name));
  };

  return {
    prepare,
    run(group) {
      const { fused, divided } = split(group.chain, group.fresh, group.items);
      const outcomes = new Map<Prepared<A>, Outcome<A>>();
      const keep = (items: readonly Prepared<A>[], found: readonly Outcome<A>[]) =>
        items.forEach((item, i) => outcomes.set(item, found[i]!));
      if (fused.length > 0) keep(fused, runFused(group, fused));
      if (divided.length > 0) keep(divided, runDivided(group, divided));
      return group.items.map((item) => outcomes.get(item)!);
    },
    forget: () => pending.clear(),
    dispose() {
      pending.clear();
      for (const rotation of rotations.values()) rotation.dispose();
      rotations.clear();
      scratch.dispose();
    },
  };
}

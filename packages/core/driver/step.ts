/**
 * A step: prepared (checks and memory), run, and made the state when all of it is done.
 *
 * @module
 */
import type { sidesOf } from "../basis/sides.ts";
import {
  type DividedPrograms,
  type Fresh,
  type Programs,
  updateName,
  weightsName,
  type Writes,
} from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import { basisSlots, slotsOf } from "../chain/slots.ts";
import type { Scalars, StepInfo } from "../chain/types.ts";
import type { Program } from "../kernel/program.ts";
import type { Backend, Kernel } from "./backend.ts";
import type { ClippedCounts, Contribution, StepOptions } from "./contribution.ts";
import type { createDivider, Divider } from "./divided.ts";
import type { ParameterState } from "./driver_state.ts";
import { type Part, partOf } from "./part.ts";
import type { Plan } from "./plan.ts";
import { type Prepared, type PreparedGroup, vectorsOf } from "./prepared.ts";
import { runProgram } from "./run_program.ts";
import { identity } from "./rotation.ts";
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

/** What a step made of one parameter. */
export interface Outcome<A> {
  /** Or the update, if that is what the step writes. */
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
    what: { readonly fresh: Fresh; readonly writes: Writes },
    options: StepOptions & { readonly iteration: number },
    made: A[],
  ): PreparedGroup<A>;
  /** Updates all groups, or throws and changes nothing. */
  run(groups: readonly PreparedGroup<A>[]): Outcome<A>[][];
  /** What the next step takes of a basis is being read; undefined if nothing is. */
  ready(): Promise<void> | undefined;
  /** Drops refreshes under way: the state is another one. */
  forget(): void;
  dispose(): void;
}

const show = (shape: readonly number[]) => `[${shape.join()}]`;

/** Makes the stepper of one driver. */
export function createStepper<A>(host: StepperHost<A>): Stepper<A> {
  const { backend, kernelOf } = host;
  const scratch = createScratch(backend);
  const partHost = { backend, scratch, kernelOf };
  let divider: Divider<A> | undefined;
  const dividerOf = ({ basis }: Chain): Divider<A> =>
    divider ??= (basis!.work.createDivider as typeof createDivider)(partHost);

  const newState = (
    chain: Chain,
    { shape, rowsPerStep }: Contribution<A>,
    batchSize: number,
    made: A[],
  ): ParameterState<A> => {
    const sides = chain.basis &&
      (chain.basis.work.sidesOf as typeof sidesOf)(
        chain.basis,
        shape,
        backend.outputAxis ?? "last",
        { examples: batchSize, rows: rowsPerStep },
      );
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

  const prepare: Stepper<A>["prepare"] = (chain, given, { fresh, writes }, options, made) => {
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
      writes,
      countClipped: options.countClipped,
      items,
    };
    // Compiled and checked now, so that nothing is half done where a program cannot be had.
    const missing = given.find(({ weights }) => weights === undefined);
    for (const { step } of programsOf(group)) {
      const { plan } = kernelOf(chain, step);
      if (missing && plan.inputs.includes(weightsName)) {
        throw new TypeError(
          `Cannot step "${missing.name}": its chain reads the weights, which are not given`,
        );
      }
      vectorsOf(chain, plan, items);
    }
    return group;
  };

  /** The programs of a step, in order; of a chain without rotated tensors one. */
  const programsOf = (
    { chain, fresh, writes, items }: Omit<PreparedGroup<A>, "countClipped">,
  ): Programs[] => {
    const { fused, divided } = split(chain, fresh, items);
    const programs: Programs[] = fused.length > 0
      ? [{ step: chain.program(fresh, writes), clips: chain.clips(fresh) }]
      : [];
    if (divided.length === 0) return programs;
    const { before, inside, after } = chain.divided(fresh, writes);
    return [...programs, ...(before ? [before] : []), inside, after];
  };

  /** Which parameters run in one program, and which in the basis. */
  const split = (chain: Chain, fresh: Fresh, items: readonly Prepared<A>[]) => {
    const rotated = items.filter(({ state }) => state.sides);
    if (rotated.length === 0) return { fused: items, divided: rotated };
    if (chain.divided(fresh).sumsOverAll) return { fused: [], divided: items };
    return { fused: items.filter(({ state }) => !state.sides), divided: rotated };
  };

  /** Copies weights that are staged into the arrays of the caller: all at once, as the last thing. */
  const handOver = (parts: readonly Part<A>[]): Map<Prepared<A>, A> => {
    const staged = parts.flatMap(({ items, arrays, writes }) =>
      items.map((item, i) => ({ item, from: arrays[i]![writes]! }))
    );
    const own = staged.filter(({ item, from }) => from !== item.given.weights);
    // A kernel of some hosts always makes new weights, which go to the caller as they are.
    const copies = own.filter(({ from }) => scratch.owns(from));
    const copied = copies.length === 0 ? [] : backend.copy(
      copies.map(({ item: { given }, from }) => ({
        from,
        shape: given.shape,
        ...(given.weights === undefined ? {} : { into: given.weights }),
      })),
    );
    const weights = new Map(staged.map(({ item, from }) => [item, from]));
    copies.forEach(({ item, from }, k) => {
      weights.set(item, copied[k]!);
      scratch.give(from);
    });
    for (const { from } of own) if (scratch.has(from)) scratch.leave(from);
    return weights;
  };

  /** Lets go of what the step replaced. */
  const settle = ({ state, slots }: Prepared<A>) => {
    for (const [name, before] of Object.entries(state.slots)) {
      const now = slots[name]!;
      if (now === before) continue;
      if (scratch.has(now)) scratch.leave(now, before);
      else backend.dispose(before);
    }
  };
  /** Lets go of what the step made. */
  const undo = (parts: readonly Part<A>[]) => {
    for (const { items, arrays, clipped } of parts) {
      items.forEach(({ given: { update } }, i) => {
        const made = arrays[i]![updateName];
        if (made !== undefined && made !== update) backend.dispose(made);
      });
      clipped.forEach((counts) => Object.values(counts).forEach((a) => backend.dispose(a)));
      for (const { state, slots } of items) {
        for (const [name, before] of Object.entries(state.slots)) {
          const now = slots[name]!;
          if (now !== before && !scratch.has(now)) backend.dispose(now);
        }
      }
    }
    scratch.reclaim();
  };

  const run: Stepper<A>["run"] = (groups) => {
    const parts: { part: Part<A>; last: Programs; divided?: DividedPrograms }[] = [];
    for (const group of groups) {
      const { chain, fresh, writes, items } = group;
      const { fused, divided } = split(chain, fresh, items);
      if (fused.length > 0) {
        const last = { step: chain.program(fresh, writes), clips: chain.clips(fresh) };
        parts.push({ part: partOf(group, fused), last });
      }
      if (divided.length > 0) {
        const programs = chain.divided(fresh, writes);
        const part = partOf(group, divided);
        parts.push({ part, last: programs.after, divided: programs });
      }
    }
    const later: (() => void)[] = [];
    const held = new Map<Prepared<A>, boolean>();
    let weights: Map<Prepared<A>, A>;
    try {
      for (const { part, divided } of parts) {
        if (divided) dividerOf(part.chain).run(part, divided, later);
      }
      // The last program of all may write in place; of several none may, as the next could fail.
      for (const { part, last } of parts) {
        const found = runProgram(partHost, part, last, parts.length === 1);
        part.items.forEach((item, i) => held.set(item, found[i]!));
      }
      weights = handOver(parts.map(({ part }) => part));
    } catch (error) {
      undo(parts.map(({ part }) => part));
      throw error;
    }
    later.forEach((action) => action());
    const clipped = new Map<Prepared<A>, ClippedCounts<A>>();
    for (const { part } of parts) {
      part.items.forEach((item, i) => {
        settle(item);
        commit(item, held.get(item)!);
        clipped.set(item, part.clipped[i]!);
      });
    }
    return groups.map(({ items }) =>
      items.map((item) => ({
        weights: weights.get(item)!,
        held: held.get(item)!,
        clipped: clipped.get(item)!,
      }))
    );
  };

  const commit = ({ given, state, slots, step, samples, scalars }: Prepared<A>, held: boolean) =>
    host.commit(
      given.name,
      held ? { ...state, slots } : { ...state, slots, step, samples, scalars },
    );

  return {
    prepare,
    run,
    ready: () => divider?.ready((name) => host.stateOf(name)?.step ?? 0),
    forget: () => divider?.forget(),
    dispose() {
      divider?.dispose();
      scratch.dispose();
    },
  };
}

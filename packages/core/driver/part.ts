/**
 * A part of a step: parameters that run the same programs, of which the last one writes the weights.
 *
 * What the earlier programs make lies in scratch arrays. So does what the last one makes, unless it is
 * the last one of the whole step: if any of them fails, weights and slots are as they were.
 *
 * @module
 */
import { type Programs, updateName, weightsName, type Writes } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import { slotsOf } from "../chain/slots.ts";
import type { Program } from "../kernel/program.ts";
import { type Backend, type Kernel, layout } from "./backend.ts";
import { type ClippedCounts, countClipped } from "./clipped.ts";
import type { Plan } from "./plan.ts";
import { type Prepared, type PreparedGroup, vectorsOf } from "./prepared.ts";
import type { Scratch } from "./scratch.ts";

/** A part of a step. */
export interface Part<A> {
  readonly chain: Chain;
  readonly items: readonly Prepared<A>[];
  /**
   * Of each parameter what is no slot and no evidence: weights, update, and what flows between
   * programs.
   */
  readonly arrays: readonly Record<string, A>[];
  readonly writes: Writes;
  readonly counts: boolean;
  /** Of each parameter, what its bounds change. */
  readonly clipped: ClippedCounts<A>[];
}

/** What programs run on. */
export interface PartHost<A> {
  readonly backend: Backend<A>;
  readonly scratch: Scratch<A>;
  kernelOf(chain: Chain, program: Program): Kernel<A> & { readonly plan: Plan };
}

/** Makes a part. */
export function partOf<A>(
  { chain, writes, countClipped: counts }: Omit<PreparedGroup<A>, "items">,
  items: readonly Prepared<A>[],
): Part<A> {
  const arrays = items.map(({ given: { weights, update } }): Record<string, A> => ({
    ...(weights === undefined ? {} : { [weightsName]: weights }),
    ...(update === undefined ? {} : { [updateName]: update }),
  }));
  return { chain, items, arrays, writes, counts, clipped: items.map(() => ({})) };
}

/** Counts what a program clips, before it is run: it may write into the slots that this reads. */
function count<A>(host: PartHost<A>, part: Part<A>, programs: Programs): void {
  const program = part.counts ? programs.clipping() : undefined;
  if (!program) return;
  const { backend, kernelOf } = host;
  const kernel = kernelOf(part.chain, program);
  const vectors = vectorsOf(part.chain, kernel.plan, part.items);
  const calls = part.items.map(({ given }, i) => ({
    ...layout(given.shape),
    inputs: kernel.plan.inputs.map((name) => arrayOf(part, i, name)),
    scalars: vectors[i]!,
  }));
  countClipped(backend, kernel, kernel.plan, calls).forEach((found, i) => {
    // Bounds on both sides of a basis: what the last one does is what the weights see.
    for (const [kind, array] of Object.entries(found)) {
      const known = part.clipped[i]![kind as keyof ClippedCounts<A>];
      part.clipped[i] = { ...part.clipped[i], [kind]: array };
      if (known !== undefined) backend.dispose(known);
    }
  });
}

function arrayOf<A>({ items, arrays }: Part<A>, i: number, name: string): A {
  const { given, slots } = items[i]!;
  const own = arrays[i]![name];
  if (own !== undefined) return own;
  return name === "gradient" || name === "gradientSquares" || name === "curvature"
    ? given[name]!
    : slots[name]!;
}

/**
 * Runs a program on each parameter of a part, and says of which it held the step. What it makes takes the
 * place of the part's arrays and slots: in scratch arrays, unless it may work `inPlace`.
 */
export function runProgram<A>(
  host: PartHost<A>,
  part: Part<A>,
  programs: Programs,
  inPlace = false,
): boolean[] {
  count(host, part, programs);
  const { backend, scratch } = host;
  const { chain, items, arrays } = part;
  const { run, plan } = host.kernelOf(chain, programs.step);
  const vectors = vectorsOf(chain, plan, items);
  const passing = (i: number, name: string) =>
    name !== weightsName && arrays[i]![name] !== undefined;
  const stagedFor = ({ given: { shape }, state }: Prepared<A>) => {
    const shapes = new Map(slotsOf(chain, shape, state.sides).map((s) => [s.name, s.shape]));
    return (name: string) => scratch.take(name === weightsName ? shape : shapes.get(name)!);
  };
  const calls = items.map((item, i) => {
    const stage = inPlace ? undefined : stagedFor(item);
    return {
      ...layout(item.given.shape),
      inputs: plan.inputs.map((name) => arrayOf(part, i, name)),
      outputs: plan.outputs.map((name) =>
        stage === undefined || passing(i, name) ? arrayOf(part, i, name) : stage(name)
      ),
      scalars: vectors[i]!,
    };
  });
  const results = run(calls);
  results.forEach(({ outputs }, i) =>
    plan.outputs.forEach((name, o) => {
      const [before, given, made] = [arrayOf(part, i, name), calls[i]!.outputs[o]!, outputs[o]!];
      if (made !== given && scratch.has(given)) {
        if (name === weightsName) {
          // The caller gets it.
          scratch.give(given);
          scratch.lend(made);
        } else {
          scratch.replace(given, made);
          backend.dispose(given);
        }
      }
      if (arrays[i]![name] !== undefined) arrays[i]![name] = made;
      else items[i]!.slots[name] = made;
      // What an earlier program of this step had left there.
      if (before !== made && before !== given && scratch.has(before)) scratch.give(before);
    })
  );
  return results.map(({ held }) => held);
}

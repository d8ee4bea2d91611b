/** @module */
import { type Programs, weightsName } from "../chain/build.ts";
import { slotsOf } from "../chain/slots.ts";
import { layout } from "./backend.ts";
import type { countClipped } from "./clipped.ts";
import { arrayOf, type Part, type PartHost } from "./part.ts";
import { type Prepared, vectorsOf } from "./prepared.ts";

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
  (part.counter?.count as typeof countClipped | undefined)?.(host, part, programs);
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

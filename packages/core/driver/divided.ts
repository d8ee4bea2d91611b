/**
 * Parameters whose update a basis divides: into it, through the programs inside, and back.
 *
 * @module
 */
import type { Sides } from "../basis/sides.ts";
import { type DividedPrograms, flowName, heldName } from "../chain/build.ts";
import type { Chain } from "../chain/chain.ts";
import { turningSlots } from "../chain/slots.ts";
import type { Part, PartHost } from "./part.ts";
import { runProgram } from "./run_program.ts";
import type { Prepared } from "./prepared.ts";
import {
  type BasisValues,
  createRotation,
  type Reading,
  type Rotated,
  type Rotation,
} from "./rotation.ts";

/** A refresh of a basis under way: read from the device, to take effect later. */
interface Pending {
  readonly count: number;
  /** The step before which it takes effect. */
  readonly due: number;
  readonly reading: Reading;
  values?: BasisValues | undefined;
}

/** A tensor that turns. */
interface Turning<A> extends Rotated<A> {
  readonly sides: Sides;
}

/** Runs parts whose update is divided. */
export interface Divider<A> {
  /**
   * Runs all programs of a part but the last one. Slots become what they make; `later` gets what is to
   * be done when all of the step is.
   */
  run(part: Part<A>, programs: DividedPrograms, later: (() => void)[]): void;
  /** Reads whose values the next step takes, given the steps of parameters; undefined if there are none. */
  ready(stepOf: (name: string) => number): Promise<void> | undefined;
  /** Drops refreshes under way: the state is another one. */
  forget(): void;
  dispose(): void;
}

let warned = false;

function warnOfLateRead(name: string) {
  if (warned) return;
  warned = true;
  console.warn(
    `precond: the new eigenbasis of "${name}" has not been read in time, so that steps go on in the one before and a second run may differ: await something between steps, for instance tf.nextFrame()`,
  );
}

/** Makes the divider of one driver. */
export function createDivider<A>(host: PartHost<A>): Divider<A> {
  const { scratch } = host;
  const rotations = new Map<Chain, Rotation<A>>();
  const pending = new Map<string, Pending>();

  const rotationOf = (chain: Chain): Rotation<A> => {
    let found = rotations.get(chain);
    if (!found) rotations.set(chain, found = createRotation(chain.basis!, host.backend, scratch));
    return found;
  };

  /** Takes new eigenvectors that are due, and begins to read those that come next. */
  const refresh = (
    chain: Chain,
    item: Turning<A>,
    { given: { name }, step }: Prepared<A>,
    later: (() => void)[],
  ) => {
    const { every } = chain.basis!;
    const rotation = rotationOf(chain);
    const take = (values: BasisValues, count: number) =>
      rotation.refresh(item, values, count, turningSlots(chain));
    const waiting = pending.get(name);
    let ready = false;
    if (waiting && step >= waiting.due) {
      waiting.values ??= waiting.reading.now();
      ready = waiting.values !== undefined;
      if (ready) {
        take(waiting.values!, waiting.count);
        later.push(() => void pending.delete(name));
      } else warnOfLateRead(name);
    }
    if (step % every !== 0 || (waiting !== undefined && !ready)) return;
    const reading = rotation.read(item);
    const count = step / every;
    if (!("now" in reading)) {
      take(reading, count);
      return;
    }
    const next: Pending = { count, due: step + every, reading };
    const isNext = () => pending.get(name) === next;
    // A device that is lost fails the next step; here the basis only stays as it is.
    reading.values.then(
      (values) => void (next.values = values),
      () => void (isNext() && pending.delete(name)),
    );
    later.push(() => void pending.set(name, next));
  };

  return {
    run(part, { before, copy, inside, holds }, later) {
      const { chain, items, arrays } = part;
      const { gramEvery } = chain.basis!;
      const rotation = rotationOf(chain);
      let held = items.map(() => false);
      if (before) {
        arrays.forEach((own, i) => {
          own[flowName] = scratch.take(items[i]!.given.shape);
          if (holds) own[heldName] = scratch.take([]);
        });
        held = runProgram(host, part, before);
      }
      const turned = items.flatMap(({ given: { shape }, state: { sides }, slots }, i) =>
        sides ? [{ i, item: { shape, sides, slots } }] : []
      );
      const rotated = turned.map(({ item }) => item);
      const flowing = turned.map(({ i }) => arrays[i]![flowName] ?? items[i]!.given.gradient);
      const due = turned.flatMap(({ i, item }, k) =>
        (items[i]!.step - 1) % gramEvery === 0 ? [{ i, item, flow: flowing[k]! }] : []
      );
      const grams = rotation.grams(due.map(({ item }) => item), due.map(({ flow }) => flow));
      rotation.turn(rotated, flowing).forEach((array, k) => {
        const own = arrays[turned[k]!.i]!;
        if (own[flowName] !== undefined) scratch.give(own[flowName]);
        own[flowName] = array;
      });
      const plain = items.flatMap((_, i) => arrays[i]![flowName] === undefined ? [i] : []);
      if (plain.length > 0) {
        // No side of these turns, and the gradient must not be written into.
        for (const i of plain) arrays[i]![flowName] = scratch.take(items[i]!.given.shape);
        const pick = <T>(list: readonly T[]) => plain.map((i) => list[i]!);
        const copied = { ...part, counts: false, items: pick(items), arrays: pick(arrays) };
        runProgram(host, copied, copy);
      }
      runProgram(host, part, inside);
      rotation.turnBack(rotated, turned.map(({ i }) => arrays[i]![flowName]!))
        .forEach((array, k) => {
          const own = arrays[turned[k]!.i]!;
          scratch.give(own[flowName]!);
          own[flowName] = array;
        });
      const active = due.flatMap(({ i, item }, d) => held[i] ? [] : [{ i, item, d }]);
      rotation.average(
        active.map(({ item }) => item),
        active.map(({ d }) => grams[d]!),
        active.map(({ i }) => (items[i]!.step - 1) / gramEvery + 1),
        active.map(({ i }) => arrays[i]![heldName]),
      );
      due.forEach(({ i }, d) => {
        if (!held[i]) return;
        for (const gram of Object.values(grams[d]!)) scratch.give(gram);
      });
      for (const { i, item } of turned) {
        if (!held[i]) refresh(chain, item, items[i]!, later);
      }
      for (const own of arrays) {
        later.push(() => {
          for (const name of [flowName, heldName]) {
            if (own[name] !== undefined) scratch.give(own[name]);
          }
        });
      }
    },
    ready(stepOf) {
      const due = [...pending].filter(([name, { due, values }]) =>
        values === undefined && stepOf(name) + 1 >= due
      );
      if (due.length === 0) return undefined;
      // What cannot be read leaves the basis as it is.
      return Promise.allSettled(due.map(([, { reading }]) => reading.values)).then(() => {});
    },
    forget: () => pending.clear(),
    dispose() {
      pending.clear();
      for (const rotation of rotations.values()) rotation.dispose();
      rotations.clear();
    },
  };
}

/** @module */
import { median } from "../statistics.ts";
import type { Waits } from "./rows.ts";

/** What takes turns with others. */
export interface Timed {
  readonly name: string;
  /** Returns a promise only if the work is done when it settles. */
  step(): void | Promise<void>;
  /** Another kind of step, timed apart. */
  refresh?(): void;
  /** Milliseconds so far of a part of its steps: by "adam part" its median a step. */
  part?(): number;
}

/** How to wait until the device has done all that it was told, and when. */
export interface Waiting<T extends Timed> {
  readonly after: Waits;
  wait(contender: T): Promise<void>;
}

/** How contenders take turns. */
export interface Turns {
  /** Length of a turn. */
  readonly milliseconds: number;
  /**
   * Turns before the first that counts: WebAssembly is compiled better as it runs, on each thread. Each
   * corrects how many steps fill the next, which the first steps, the slowest, say wrongly.
   */
  readonly untimed: number;
}

/** Turns of whole training steps: their own values are in the caches again for most of it. */
export const wholeSteps: Turns = { milliseconds: 100, untimed: 10 };

/** Turns that show that everything runs; their times say little. */
export const shortTurns: Turns = { milliseconds: 5, untimed: 1 };

interface Call {
  readonly name: string;
  step(): void | Promise<void>;
  /** Missing where there is no device to wait for: then no promise gets into the time. */
  readonly wait?: () => Promise<void>;
  readonly part?: () => number;
}

/** Milliseconds that each of `count` steps takes. */
async function timed({ step, wait }: Call, count: number, after: Waits): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = step();
    if (pending) await pending;
    if (wait && after === "step") await wait();
  }
  if (wait && after === "sample") await wait();
  return (performance.now() - start) / count;
}

/** Steps that make a sample long enough to trust the clock, or not to see its one wait. */
async function stepsFor(call: Call, after: Waits, milliseconds: number): Promise<number> {
  let count = 1;
  let took = await timed(call, count, after);
  while (after === "sample" && took * count < milliseconds && count < 1000) {
    count = Math.min(1000, Math.ceil(count * Math.max(2, milliseconds / (took * count))));
    took = await timed(call, count, after);
  }
  return filling(milliseconds, took);
}

function filling(milliseconds: number, step: number): number {
  return Math.max(1, Math.min(1000, Math.round(milliseconds / Math.max(step, 1e-3))));
}

/**
 * Median milliseconds a step by name; "adam refresh" is a step that takes in a curvature sample,
 * "adam part" what a step spends in what its contender counts, and "wait" a wait for nothing. Times
 * every contender in turn for some milliseconds, again and again, so that all see the same machine.
 */
export async function interleaved<T extends Timed>(
  contenders: readonly T[],
  samples: number,
  waiting?: Waiting<T>,
  { milliseconds, untimed }: Turns = {
    milliseconds: waiting?.after === "sample" ? 200 : 15,
    untimed: 0,
  },
): Promise<Map<string, number>> {
  const after = waiting?.after ?? "step";
  const calls = contenders.flatMap((contender): Call[] => {
    const { name, step, refresh, part } = contender;
    const wait = waiting && { wait: () => waiting.wait(contender) };
    return [
      { name, step, ...wait, ...(part && { part }) },
      ...(refresh ? [{ name: `${name} refresh`, step: refresh, ...wait }] : []),
    ];
  });
  for (const call of calls) await timed(call, 2, after);
  const counts: number[] = [];
  for (const call of calls) counts.push(await stepsFor(call, after, milliseconds));
  if (waiting) {
    calls.push({ name: "wait", step: () => {}, wait: () => waiting.wait(contenders[0]!) });
    counts.push(1);
  }
  const shortest = calls.map(() => Infinity);
  for (let turn = 0; turn < untimed; turn++) {
    for (const [i, call] of calls.entries()) {
      const took = await timed(call, counts[i]!, after);
      if (call.name === "wait") continue;
      // A pause that falls into a turn does not shorten all others.
      shortest[i] = Math.min(shortest[i]!, took);
      counts[i] = filling(milliseconds, shortest[i]!);
    }
  }
  const times = calls.map((): number[] => []);
  const parts = calls.map((): number[] => []);
  for (let s = 0; s < samples; s++) {
    for (const [i, call] of calls.entries()) {
      const before = call.part?.();
      times[i]!.push(await timed(call, counts[i]!, after));
      if (before !== undefined) parts[i]!.push((call.part!() - before) / counts[i]!);
    }
  }
  return new Map(calls.flatMap(({ name, part }, i) => [
    [name, median(times[i]!)] as const,
    ...(part ? [[`${name} part`, median(parts[i]!)] as const] : []),
  ]));
}

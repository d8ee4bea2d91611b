/**
 * Performance profiles (Dolan and Moré, 2002): how often a method is within a factor of the best.
 *
 * @module
 */
import {
  type Compared,
  divergedThroughout,
  type Place,
  placeKey,
  placesOf,
  reached,
  type Recorded,
} from "./comparison.ts";
import { methods } from "./methods.ts";

/** What a profile counts until the target is reached. */
export type Cost = Extract<Compared, "examplesToTarget" | "stepsToTarget" | "secondsToTarget">;

/** The profile of one method. */
export interface Profile {
  readonly method: string;
  /** Of each race, in order: its cost over the best one's; Infinity if it never reached the target. */
  readonly factors: readonly number[];
}

/** Profiles of the methods that ran in every race. */
export interface Profiles {
  readonly cost: Cost;
  /** Pairs of a place and a seed. */
  readonly races: number;
  readonly profiles: readonly Profile[];
  /** Methods that some race lacks. */
  readonly leftOut: readonly string[];
}

/** The share of races in which the method is within a factor τ of the best. */
export function shareWithin({ factors }: Profile, tau: number): number {
  const within = factors.filter((factor) => factor <= tau).length;
  return factors.length === 0 ? 0 : within / factors.length;
}

/** Cost over the best cost; equal costs are 1 even where both are 0. */
function factorOf(cost: number, best: number): number {
  return cost === Infinity ? Infinity : cost === best ? 1 : cost / best;
}

/**
 * Profiles over all pairs of a place and a seed that any of the methods ran. Only methods that ran in
 * every one of them take part, so that each is measured with the same rod: choose rows first, such as
 * those of one set of problems, of one selection, or without methods for few problems. A race that
 * nobody finished counts for nobody.
 */
export function profilesOf(
  { rows, sensitivity }: Recorded,
  { cost, among }: { readonly cost: Cost; readonly among?: readonly string[] },
): Profiles {
  const taking = rows.filter(({ method }) => among?.includes(method) ?? true);
  const seeds = new Map<string, Set<number>>();
  const costs = new Map<string, number>();
  const raceOf = (place: Place, seed: number) => `${placeKey(place)}/${seed}`;
  for (const row of taking) {
    const place = placeKey(row);
    seeds.set(place, (seeds.get(place) ?? new Set()).add(row.seed));
    costs.set(`${raceOf(row, row.seed)}/${row.method}`, reached(row, cost) ?? Infinity);
  }
  const races = placesOf(taking).flatMap((place) =>
    [...seeds.get(placeKey(place))!].map((seed) => ({ place, seed }))
  );
  const entered = methods.map(({ name }) => name).filter((name) =>
    taking.some((row) => row.method === name) ||
    ((among?.includes(name) ?? true) && sensitivity.some((s) => s.method === name))
  );
  const table = new Map(entered.map((method) => [
    method,
    races.map(({ place, seed }) =>
      costs.get(`${raceOf(place, seed)}/${method}`) ??
        (divergedThroughout(sensitivity, place, method) ? Infinity : undefined)
    ),
  ]));
  const everywhere = entered.filter((method) => !table.get(method)!.includes(undefined));
  const best = races.map((_, i) => Math.min(...everywhere.map((method) => table.get(method)![i]!)));
  return {
    cost,
    races: races.length,
    profiles: everywhere.map((method) => ({
      method,
      factors: best.map((least, i) => factorOf(table.get(method)![i]!, least)),
    })),
    leftOut: entered.filter((method) => !everywhere.includes(method)),
  };
}

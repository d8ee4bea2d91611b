/**
 * Every method beside a rival, the host's tuned Adam unless another is named, on the same problem,
 * backend, batch size, selection and seeds.
 *
 * @module
 */
import { methods } from "./methods.ts";
import { pairedInterval } from "./paired.ts";
import type { Results, Row, Sensitivity } from "./rows.ts";
import type { Interval } from "./statistics.ts";

/** What is compared; smaller is better. The first three as ratios, the others as differences. */
export type Compared =
  | "examplesToTarget"
  | "stepsToTarget"
  | "secondsToTarget"
  | "finalTrainLoss"
  | "finalTestLoss"
  | "bestTestLoss"
  | "finalAgainstBest";

/** Ours over theirs, or ours minus theirs. */
export type Scale = "ratio" | "difference";

/** How a number is compared. `finalAgainstBest`: our loss at the end with theirs at its best moment. */
const columnsOf: Readonly<Record<Compared, readonly [ours: keyof Row, theirs: keyof Row, Scale]>> =
  {
    examplesToTarget: ["examplesToTarget", "examplesToTarget", "ratio"],
    stepsToTarget: ["stepsToTarget", "stepsToTarget", "ratio"],
    secondsToTarget: ["secondsToTarget", "secondsToTarget", "ratio"],
    finalTrainLoss: ["finalTrainLoss", "finalTrainLoss", "difference"],
    finalTestLoss: ["finalTestLoss", "finalTestLoss", "difference"],
    bestTestLoss: ["bestTestLoss", "bestTestLoss", "difference"],
    finalAgainstBest: ["finalTestLoss", "bestTestLoss", "difference"],
  };

/** Where two methods meet: all seeds of one problem on one backend, tuned for one selection. */
export interface Place {
  readonly problem: string;
  readonly backend: string;
  readonly batchSize: number;
  readonly selection: Row["selection"];
}

/** One seed of both; null is a run that never got there, or diverged. */
export interface Pair {
  readonly seed: number;
  readonly ours: number | null;
  readonly theirs: number | null;
}

/** What the seeds say. "not reached": by no run of either. */
export type Finding = "better" | "worse" | "no difference" | "not reached";

/** A method beside its rival. */
export interface Comparison extends Place {
  readonly method: string;
  readonly rival: string;
  readonly compared: Compared;
  readonly scale: Scale;
  readonly pairs: readonly Pair[];
  /**
   * A ratio below 1 or a difference below 0 is better. Infinity (or 0, −Infinity) is one that
   * cannot be told: one of the two does not get there.
   */
  readonly effect: Interval;
  readonly finding: Finding;
}

/** What a comparison is asked for. */
export interface ComparisonOptions {
  readonly compared: Compared;
  /** Default "adam", the host's, tuned like every other. */
  readonly rival?: string;
}

/** Rows and tuning runs: a method that diverged at every rate has no rows. */
export type Recorded = Pick<Results, "rows" | "sensitivity">;

/**
 * Results without those whose rates were chosen by the best moment of a run, which are in them once more
 * with rates chosen by its end.
 */
export function decisive({ rows, sensitivity }: Recorded): Recorded {
  const kept = ({ selection }: Row | Sensitivity) => selection !== "bestValidation";
  return { rows: rows.filter(kept), sensitivity: sensitivity.filter(kept) };
}

/** A name for a place. */
export function placeKey({ problem, backend, batchSize, selection }: Place): string {
  return [problem, backend, batchSize, selection].join("/");
}

/** The number of a row; null if it never got there, or diverged. */
export function reached(row: Row, column: keyof Row): number | null {
  const value = row[column];
  return row.diverged || typeof value !== "number" || !Number.isFinite(value) ? null : value;
}

/** The places of these rows, in their order. */
export function placesOf(rows: readonly Row[]): Place[] {
  const places = new Map<string, Place>();
  for (const row of rows) {
    const { problem, backend, batchSize, selection } = row;
    const place = { problem, backend, batchSize, selection };
    if (!places.has(placeKey(row))) places.set(placeKey(row), place);
  }
  return [...places.values()];
}

/** Whether every rate of the method diverged there, so that it has no row but has taken part. */
export function divergedThroughout(
  sensitivity: readonly Sensitivity[],
  { problem, backend, batchSize, selection }: Place,
  method: string,
): boolean {
  return sensitivity.some((s) =>
    s.problem === problem && s.backend === backend && s.selection === selection &&
    (s.batchSize ?? batchSize) === batchSize && s.method === method && s.learningRate === null
  );
}

/** ln(ours/theirs) or ours − theirs; ±Infinity where one did not get there, 0 where neither did. */
export function difference({ ours, theirs }: Pair, scale: Scale): number {
  if (ours === null || theirs === null) {
    return ours === theirs ? 0 : ours === null ? Infinity : -Infinity;
  }
  // Whoever starts below the target reached it after no examples.
  if (ours === theirs) return 0;
  return scale === "ratio" ? Math.log(ours / theirs) : ours - theirs;
}

/** The comparison of pairs. */
export function compare(
  pairs: readonly Pair[],
  scale: Scale,
): Pick<Comparison, "effect" | "finding"> {
  const { middle, low, high } = pairedInterval(pairs.map((pair) => difference(pair, scale)));
  const nobody = pairs.every(({ ours, theirs }) => ours === null && theirs === null);
  const of = (value: number) => scale === "ratio" ? Math.exp(value) : value;
  return {
    effect: { middle: of(middle), low: of(low), high: of(high) },
    finding: nobody ? "not reached" : high < 0 ? "better" : low > 0 ? "worse" : "no difference",
  };
}

/**
 * Every method beside the rival, wherever both have run; the rival itself is left out. Seeds that
 * one of them lacks do not count.
 */
export function comparisonsOf(
  { rows, sensitivity }: Recorded,
  { compared, rival = "adam" }: ComparisonOptions,
): Comparison[] {
  const [ours, theirs, scale] = columnsOf[compared];
  const byMethod = new Map<string, Map<number, Row>>();
  const keyOf = (place: Place, method: string) => `${placeKey(place)}/${method}`;
  for (const row of rows) {
    const key = keyOf(row, row.method);
    if (!byMethod.has(key)) byMethod.set(key, new Map());
    byMethod.get(key)!.set(row.seed, row);
  }
  return placesOf(rows).flatMap((place) => {
    const rivals = byMethod.get(keyOf(place, rival));
    if (!rivals) return [];
    return methods.filter(({ name }) => name !== rival).flatMap(({ name: method }) => {
      const own = byMethod.get(keyOf(place, method));
      if (!own && !divergedThroughout(sensitivity, place, method)) return [];
      const pairs = [...rivals].flatMap(([seed, their]): Pair[] => {
        const our = own?.get(seed);
        if (own && !our) return [];
        return [{ seed, ours: our ? reached(our, ours) : null, theirs: reached(their, theirs) }];
      });
      if (pairs.length === 0) return [];
      return [{ ...place, method, rival, compared, scale, pairs, ...compare(pairs, scale) }];
    });
  });
}

/** Method × place. */
export interface Overview {
  readonly methods: readonly string[];
  readonly places: readonly Place[];
  cell(method: string, place: Place): Comparison | undefined;
}

/** The matrix of comparisons: one chart that says where each method wins. */
export function overviewOf(comparisons: readonly Comparison[]): Overview {
  const cells = new Map(comparisons.map((c) => [`${placeKey(c)}/${c.method}`, c]));
  const places = new Map(comparisons.map((c): [string, Place] => [placeKey(c), c]));
  const taking = new Set(comparisons.map(({ method }) => method));
  return {
    methods: methods.map(({ name }) => name).filter((name) => taking.has(name)),
    places: [...places.values()],
    cell: (method, place) => cells.get(`${placeKey(place)}/${method}`),
  };
}

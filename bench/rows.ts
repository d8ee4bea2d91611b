/** @module */
import type { Device, Versions } from "./device.ts";
import type { Mode } from "./methods.ts";
import type { Outcome, Selection } from "./problems/problem.ts";
import type { Signal } from "./problems/signal.ts";
import { thinned } from "./report/thin.ts";
import { meanInterval } from "./statistics.ts";

/** Version of the layout of results files. */
export const schemaVersion = 1;

/** T of the layers after some of the steps: a column of each number for each array of weights. */
export interface SignalColumns {
  readonly step: readonly number[];
  readonly layers: Readonly<Record<string, Readonly<Record<keyof Signal, readonly number[]>>>>;
}

/** The points of a run as columns; null is a loss that is not finite. */
export interface Curve {
  readonly step: readonly number[];
  readonly trainLoss: readonly (number | null)[];
  readonly testLoss?: readonly (number | null)[];
  /** Replicas of a simulation, and the variance of the risk among them. */
  readonly replicas?: number;
  readonly variance?: readonly (number | null)[];
  readonly predicted?: readonly number[];
  /** Of the first seed of problems that are watched, for methods that estimate T. */
  readonly signal?: SignalColumns;
}

/** What theory says of a run, beside what it measured. */
export interface Prediction {
  /** When the expected risk reaches the target; null if not within the horizon. */
  readonly stepsToTarget: number | null;
  /** The moment of comparison, fixed in advance: the recorded step next to `stepsToTarget`. */
  readonly step: number;
  readonly risk: number;
  readonly measured: number;
  /** 95 % confidence interval of the measured mean. */
  readonly low: number;
  readonly high: number;
  readonly inside: boolean;
  /** Share of all recorded steps at which the prediction lies in the interval. */
  readonly insideShare: number;
}

/** One run with the chosen learning rate. */
export interface Row {
  readonly problem: string;
  readonly method: string;
  readonly mode: Mode;
  /** The package whose update this is. */
  readonly implementation: string;
  readonly backend: string;
  readonly batchSize: number;
  readonly seed: number;
  /** What the learning rate was chosen by. */
  readonly selection: Selection;
  readonly learningRate: number;
  readonly stepsToTarget: number | null;
  readonly examplesToTarget: number | null;
  readonly secondsToTarget: number | null;
  readonly finalTrainLoss: number | null;
  readonly finalTestLoss: number | null;
  readonly bestTestLoss: number | null;
  readonly finalTestAccuracy: number | null;
  readonly diverged: boolean;
  readonly prediction: Prediction | null;
  readonly curve: Curve;
  /** Fingerprint of everything that the numbers depend on except the code. */
  readonly settings: string;
  readonly commit: string | null;
  /** Whether files differed from the commit. */
  readonly dirty: boolean;
  readonly device: Device;
  readonly versions: Versions;
  /** Runs that the machine had going at once: seconds of more than 1 are of a busy machine. */
  readonly workers: number;
}

/** What the tuning runs of one method came to. */
export interface Sensitivity {
  readonly problem: string;
  readonly method: string;
  readonly backend: string;
  /** Rows from before it was recorded lack it. */
  readonly batchSize?: number;
  readonly selection: Selection;
  readonly settings: string;
  readonly seed: number;
  readonly rates: readonly number[];
  /** Of each rate, smaller is better; null if it diverged. */
  readonly scores: readonly (number | null)[];
  /** Null if every rate diverged. */
  readonly learningRate: number | null;
  readonly edge: "low" | "high" | null;
  /** Factor range of rates within 10 % and within 2× of the best score. */
  readonly within10: number | null;
  readonly within2x: number | null;
  /** Whether those ranges run into the end of the grid. */
  readonly open10: boolean;
  readonly open2x: boolean;
}

/** A results file. */
export interface Results {
  readonly schemaVersion: number;
  readonly command: string;
  readonly rows: Row[];
  readonly sensitivity: Sensitivity[];
}

/** Six digits are more than any interval here supports, and halve the file. */
const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? Number(value.toPrecision(6)) : null;

/** At most so many moments of T are kept, each with three digits: a map shows no more. */
const mostSignals = 30;

function signalColumns({ curve }: Outcome): SignalColumns | undefined {
  const seen = curve.flatMap(({ step, signals }) => signals ? [{ step, signals }] : []);
  const kept = thinned(seen.length, mostSignals).map((i) => seen[i]!);
  if (kept.length === 0) return undefined;
  const column = (layer: string, key: keyof Signal) =>
    kept.map(({ signals }) => Number(signals[layer]![key].toPrecision(3)));
  const layers = Object.keys(kept[0]!.signals).map((layer) => [layer, {
    fraction: column(layer, "fraction"),
    p10: column(layer, "p10"),
    p50: column(layer, "p50"),
    p90: column(layer, "p90"),
  }]);
  return { step: kept.map(({ step }) => step), layers: Object.fromEntries(layers) };
}

/** The columns of a run's points. */
export function columns(outcome: Outcome): Curve {
  const { curve } = outcome;
  const signal = signalColumns(outcome);
  const column = (key: "trainLoss" | "testLoss") => curve.map((point) => finite(point[key]));
  const first = curve[0];
  return {
    step: curve.map((point) => point.step),
    trainLoss: column("trainLoss"),
    ...(first?.testLoss === undefined ? {} : { testLoss: column("testLoss") }),
    ...(first?.replicas
      ? {
        replicas: first.replicas.count,
        variance: curve.map((point) => finite(point.replicas?.variance)),
      }
      : {}),
    ...(first?.predicted === undefined
      ? {}
      : { predicted: curve.map((point) => Number(point.predicted!.toPrecision(6))) }),
    ...(signal && { signal }),
  };
}

/** Compares a run with its prediction; null without one. */
export function predictionOf(
  { curve }: Outcome,
  expectedSteps: number | null,
): Prediction | null {
  const compared = curve.flatMap(({ step, predicted, replicas }) => {
    if (predicted === undefined || !replicas || !(replicas.count > 1)) return [];
    const { middle, low, high } = meanInterval(replicas);
    return [{
      step,
      risk: predicted,
      measured: middle,
      low,
      high,
      // A risk of 1e-32 is zero to float32 weights.
      inside: (low <= predicted && predicted <= high) || Math.abs(middle - predicted) < 1e-12,
    }];
  });
  const last = compared.at(-1);
  if (!last) return null;
  const aim = expectedSteps ?? last.step;
  const at = compared.reduce((a, b) => Math.abs(b.step - aim) < Math.abs(a.step - aim) ? b : a);
  const share = compared.filter(({ inside }) => inside).length / compared.length;
  return { stepsToTarget: expectedSteps, ...at, insideShare: share };
}

/** The numbers of a row that come from the run itself. */
export function measured(outcome: Outcome): Pick<
  Row,
  | "stepsToTarget"
  | "examplesToTarget"
  | "secondsToTarget"
  | "finalTrainLoss"
  | "finalTestLoss"
  | "bestTestLoss"
  | "finalTestAccuracy"
  | "diverged"
> {
  const last = outcome.curve.at(-1);
  const tests = outcome.curve.map(({ testLoss }) => finite(testLoss)).filter((v) => v !== null);
  return {
    stepsToTarget: outcome.stepsToTarget,
    examplesToTarget: outcome.examplesToTarget,
    secondsToTarget: outcome.secondsToTarget,
    finalTrainLoss: finite(last?.trainLoss),
    finalTestLoss: finite(last?.testLoss),
    bestTestLoss: tests.length > 0 ? Math.min(...tests) : null,
    finalTestAccuracy: finite(last?.testAccuracy),
    diverged: outcome.diverged,
  };
}

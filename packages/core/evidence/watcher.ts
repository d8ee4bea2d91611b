/**
 * Telemetry of updates on any backend's arrays.
 *
 * @module
 */
import { checkOptions } from "../checks.ts";
import type { ParameterInfo } from "../chain/types.ts";
import type { Backend } from "../driver/backend.ts";
import { clippedCounter } from "../driver/clipped.ts";
import type { ClippedCounter, ClippedCounts } from "../driver/contribution.ts";
import type { Driver } from "../driver/driver.ts";
import { read, square, sub, sum } from "../kernel/expr.ts";
import { callable, count } from "../kinds.ts";
import { compileProgram } from "../kernel/program.ts";
import { computer } from "./compute.ts";
import { createInspector } from "./inspector.ts";
import type { NoiseReport, TelemetryOptions, TelemetryReport } from "./report.ts";
import {
  clippedOf,
  evidenceOf,
  merge,
  reportOf,
  seesGradient,
  summaryOf,
  summaryProgram,
} from "./summary.ts";

/** A parameter that an update will change. */
export interface WatchedParameter<A> extends ParameterInfo {
  /** The name under which the driver keeps its state, where that is another. */
  readonly key?: string;
  readonly weights: A;
}

/** An update that has been made. */
export interface MadeUpdate<A> {
  /** The parameters that were given before it, in that order, with their new weights. */
  readonly parameters: readonly (WatchedParameter<A> & {
    /** The gradient that it used. */
    readonly gradient: A;
  })[];
  readonly batchSize: number;
  /** What it clipped, in the order of the parameters. */
  readonly clipped?: readonly ClippedCounts<A>[] | undefined;
}

/** Watches updates; made by {@linkcode createWatcher}. What fails in it goes to `onError`. */
export interface Watcher<A> {
  /** Before an update that is reported: what counts what it clips; undefined before others. */
  before(parameters: readonly WatchedParameter<A>[]): ClippedCounter | undefined;
  /**
   * After it. All that it needs of the arrays is computed before it returns; it resolves when
   * `onReport` has been called, and never rejects.
   */
  after(update: MadeUpdate<A>): Promise<void>;
  /** The update did not come about. */
  abandon(): void;
  /** Frees what it keeps. */
  dispose(): void;
}

/** Where a watcher computes. */
export interface WatcherHost<A> {
  readonly backend: Backend<A>;
  readonly driver: Driver<A>;
  /**
   * The numbers in arrays of one number each, read back together, as they are when it is called: later
   * steps may write into the arrays.
   */
  readNumbers(arrays: readonly A[]): Promise<ArrayLike<number>>;
}

/** Counts the steps that `skipNonFinite()` held. */
const skippedSlot = "skipNonFinite.skipped";

/**
 * Reports every k-th update. All sums are made where the parameters are, and read back together: a few
 * numbers a parameter.
 *
 * @throws {TypeError | RangeError} For options that do not exist, or are out of range.
 */
export function createWatcher<A>(
  { backend, driver, readNumbers }: WatcherHost<A>,
  options: TelemetryOptions,
): Watcher<A> {
  const { every = 100, onReport, onError = console.error } = checkOptions(
    "report telemetry",
    options,
    { every: count, onReport: callable, onError: callable },
    ["onReport"],
  );
  const difference = computer(backend, () =>
    compileProgram({
      outputs: [{
        name: "squares",
        shape: "tensor",
        value: sum(square(sub(read("weights"), read("old"))), "tensor"),
      }],
    }));
  const summary = computer(backend, summaryProgram);
  const inspector = createInspector(driver, backend);
  let old: readonly A[] | undefined;

  /** What a callback returns may be a promise that is rejected; nobody waits for it. */
  const call = <T>(callback: (value: T) => unknown, value: T, failed: (error: unknown) => void) => {
    try {
      const returned = callback(value);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
  const complain = (error: unknown) => call(onError, error, console.error);
  const free = (arrays: readonly A[]) => {
    for (const array of arrays) {
      try {
        backend.dispose(array);
      } catch (error) {
        complain(error);
      }
    }
  };

  const measure = async (
    { parameters, batchSize, clipped = [] }: MadeUpdate<A>,
    before: readonly A[],
    made: A[],
  ): Promise<TelemetryReport> => {
    const keep = (results: A[][]) => {
      for (const result of results) made.push(...result);
      return results;
    };
    const { iteration } = driver;
    const norms = keep(difference.run(
      parameters.map(({ shape, weights }, i) => ({ shape, arrays: { weights, old: before[i]! } })),
    ));
    const known = parameters.flatMap(({ name, key = name, shape, gradient }) => {
      const arrays = inspector.inspect(key);
      if (arrays === undefined) return [];
      made.push(...Object.values(arrays));
      return [{ name, shape, arrays: { ...arrays, gradient } }];
    });
    const summaries = keep(summary.run(known));
    const counts = clipped.flatMap((kinds, i) =>
      (["elements", "norm"] as const).flatMap((kind) => {
        const array = kinds[kind];
        return array === undefined ? [] : [{ name: parameters[i]!.name, kind, array }];
      })
    );
    const states = driver.state().parameters;
    const skipped = parameters.flatMap(({ name, key = name }) => {
      const array = states.get(key)?.slots[skippedSlot];
      return array === undefined ? [] : [array];
    });
    const comparable = seesGradient(
      driver.definition,
      parameters.map(({ name, key = name, shape }) => ({ name: key, shape })),
    );
    const lists = [norms.flat(), skipped, counts.map(({ array }) => array), ...summaries];
    const numbers = Array.from(await readNumbers(lists.flat()));
    let at = 0;
    const [squares, held, changed, ...perParameter] = lists.map(({ length }) =>
      numbers.slice(at, at += length)
    );
    const found = known.map(({ name, shape }, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, summaryOf(perParameter[i]!, size)] as const;
    });
    const all = merge(found.map(([, s]) => s));
    return {
      iteration,
      ...reportOf(all, batchSize),
      updateNorm: Math.sqrt(squares!.reduce((a, b) => a + b, 0)),
      skipped: held!.reduce((most, n) => Math.max(most, n), 0),
      clipped: clippedOf(counts.map(({ name, kind }, i) => [name, kind, changed![i]!] as const)),
      evidence: comparable ? evidenceOf(all) : NaN,
      variables: Object.fromEntries(
        found.map(([name, s]): [string, NoiseReport] => [name, reportOf(s, batchSize)]),
      ),
    };
  };

  const abandon = () => {
    const arrays = old ?? [];
    old = undefined;
    free(arrays);
  };

  return {
    abandon,
    before(parameters) {
      abandon();
      if ((driver.iteration + 1) % every !== 0) return undefined;
      try {
        old = backend.copy(parameters.map(({ weights, shape }) => ({ from: weights, shape })));
        return clippedCounter;
      } catch (error) {
        complain(error);
        return undefined;
      }
    },
    async after(update) {
      if (old === undefined) return;
      // Another update may begin before the numbers have been read.
      const made = [...old];
      const before = old;
      old = undefined;
      try {
        call(onReport, await measure(update, before, made), complain);
      } catch (error) {
        complain(error);
      } finally {
        free(made);
      }
    },
    dispose() {
      abandon();
      difference.dispose();
      summary.dispose();
      inspector.dispose();
    },
  };
}

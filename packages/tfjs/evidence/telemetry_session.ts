/** @module */
import { type ClippedCounts, telemetry } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { packCounts, reportClipped } from "./telemetry_clipped.ts";
import {
  type NoiseReport,
  summarise,
  type TelemetryOptions,
  type TelemetryReport,
} from "./telemetry.ts";
import type { VariableStates } from "../state/variable_states.ts";

/** What an update looks like from outside. */
export interface ObservedUpdate {
  readonly variables: readonly tf.Variable[];
  readonly gradients: readonly tf.Tensor[];
  readonly batchSize: number;
}

/** The same update when it has been made. */
export interface MadeUpdate extends ObservedUpdate {
  /** If a watcher asked for them; the caller disposes them. */
  readonly clipped?: readonly ClippedCounts<tf.Tensor>[] | undefined;
}

/** Watches updates; made by {@linkcode createTelemetry}. */
export interface Telemetry {
  /** Before an update: whether what it clips is to be counted. */
  before(update: ObservedUpdate): boolean;
  /** The update did not come about, or nobody watches any more. */
  abandon(): void;
  /** After it; the report follows when the device has the numbers. */
  after(update: MadeUpdate): void;
}

const skippedSlot = "skipNonFinite.skipped";

function seesGradient(states: VariableStates, variables: readonly tf.Variable[]): boolean {
  return telemetry.seesGradient(
    states.driver.definition,
    variables.map(({ name, shape }) => ({ name: states.nameOf(name), shape })),
  );
}

/** Reports every k-th update; all sums are made on the device and read back asynchronously. */
export function createTelemetry(states: VariableStates, options: TelemetryOptions): Telemetry {
  const { every = 100, onReport, onError = console.error } = options;
  if (!Number.isInteger(every) || every < 1) {
    throw new RangeError(
      `Cannot report telemetry: every must be a positive integer, current value is ${every}`,
    );
  }
  let old: tf.Tensor[] | undefined;

  const measure = ({ variables, gradients, clipped = [] }: MadeUpdate) => {
    const norm = tf.tidy(() =>
      tf.stack(variables.map((v, i) => tf.sum(tf.squaredDifference(v, old![i]!))))
    );
    const summaries = variables.flatMap((v, i) => {
      const known = states.driver.inspect(states.nameOf(v.name));
      if (!known) return [];
      const numbers = tf.tidy(() => summarise({ ...known, gradient: gradients[i]! }));
      tf.dispose([known.fraction, known.signal, known.noise]);
      return [{ name: v.name, size: v.size, numbers }];
    });
    return { norm, summaries, counts: packCounts(variables, clipped) };
  };

  const tensorsOf = ({ norm, summaries, counts }: ReturnType<typeof measure>): tf.Tensor[] => [
    norm,
    ...summaries.map((s) => s.numbers),
    ...(counts ? [counts.numbers] : []),
  ];

  const skipped = async (name: string): Promise<number> => {
    const known = states.driver.state().parameters.get(states.nameOf(name));
    return known?.slots[skippedSlot] ? (await states.slot(name, skippedSlot))[0]! : 0;
  };

  const report = async (
    { norm, summaries, counts }: ReturnType<typeof measure>,
    { variables, batchSize }: ObservedUpdate,
    iteration: number,
  ): Promise<TelemetryReport> => {
    try {
      const held = Promise.all(variables.map((v) => skipped(v.name)));
      const squares = Array.from(await norm.data<"float32">());
      const read = await Promise.all(
        summaries.map(async ({ name, size, numbers }): Promise<[string, telemetry.Summary]> => [
          name,
          telemetry.summaryOf(await numbers.data(), size),
        ]),
      );
      const all = telemetry.merge(read.map(([, summary]) => summary));
      const byName = read.map((
        [name, s],
      ): [string, NoiseReport] => [name, telemetry.reportOf(s, batchSize)]);
      return {
        iteration,
        ...telemetry.reportOf(all, batchSize),
        updateNorm: Math.sqrt(squares.reduce((sum, s) => sum + s, 0)),
        skipped: Math.max(0, ...await held),
        clipped: await reportClipped(counts),
        evidence: seesGradient(states, variables) ? telemetry.evidenceOf(all) : NaN,
        variables: Object.fromEntries(byName),
      };
    } finally {
      tf.dispose(tensorsOf({ norm, summaries, counts }));
    }
  };

  const abandon = () => {
    old?.forEach((t) => t.dispose());
    old = undefined;
  };

  return {
    abandon,
    before({ variables }) {
      abandon();
      const due = (states.driver.iteration + 1) % every === 0;
      old = due ? variables.map((v) => tf.keep(tf.clone(v))) : undefined;
      return due;
    },
    after(update) {
      if (!old) return;
      const measured = measure(update);
      // Kept: a scope of model.fit may end before the numbers have been read.
      tensorsOf(measured).forEach((t) => tf.keep(t));
      abandon();
      report(measured, update, states.driver.iteration).then(onReport).catch(onError);
    },
  };
}

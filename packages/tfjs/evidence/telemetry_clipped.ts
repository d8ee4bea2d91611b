/** @module */
import { type ClippedCounts, telemetry } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { ClippedReport, TelemetryReport } from "./telemetry.ts";

/** Counts of all variables in one tensor, so that one read-back has them. */
export interface PackedCounts {
  readonly numbers: tf.Tensor1D;
  /** What each number is. */
  readonly keys: readonly (readonly [variable: string, kind: keyof ClippedReport])[];
}

/** Packs the counts of an update; undefined if no chain has bounds. The caller disposes both. */
export function packCounts(
  variables: readonly tf.Variable[],
  clipped: readonly ClippedCounts<tf.Tensor>[],
): PackedCounts | undefined {
  const entries = clipped.flatMap((counts, i) =>
    (["elements", "norm"] as const).flatMap((kind) =>
      counts[kind] ? [{ key: [variables[i]!.name, kind] as const, tensor: counts[kind] }] : []
    )
  );
  if (entries.length === 0) return undefined;
  return {
    numbers: tf.tidy(() => tf.stack(entries.map(({ tensor }) => tensor))) as tf.Tensor1D,
    keys: entries.map(({ key }) => key),
  };
}

/** Reads them. */
export async function reportClipped(
  counts: PackedCounts | undefined,
): Promise<TelemetryReport["clipped"]> {
  const numbers = counts ? await counts.numbers.data() : [];
  return telemetry.clippedOf(
    (counts?.keys ?? []).map(([name, kind], i) => [name, kind, numbers[i]!] as const),
  );
}

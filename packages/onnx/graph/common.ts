/**
 * Common subexpressions: when two nodes compute the same.
 *
 * @module
 */
import type { AttributeProto } from "../proto/onnx_pb.ts";

/** Operators whose result differs from call to call: never merged. */
export const RANDOM: RegExp = /^(Random|Bernoulli|Multinomial|Dropout$)/;

/** What identifies a computation; undefined for nodes with bodies, which are not compared. */
export function keyOf(
  opType: string,
  domain: string,
  inputs: readonly string[],
  attributes: readonly AttributeProto[],
  outputs: number,
): string | undefined {
  if (attributes.some((a) => a.g !== undefined || a.graphs.length > 0)) return undefined;
  const list = attributes.map((a) =>
    `${a.name}=${a.i ?? ""}|${a.f ?? ""}|${a.s ?? ""}|${a.ints}|${a.floats}|${a.strings}|${
      a.t === undefined ? "" : `${a.t.dataType}:${a.t.dims}:${
        a.t.rawData ?? JSON.stringify([
          a.t.floatData,
          a.t.int32Data,
          a.t.doubleData,
          a.t.int64Data.map(String),
        ])
      }`
    }`
  ).sort();
  return `${domain}:${opType}:${outputs}(${inputs})${list}`;
}

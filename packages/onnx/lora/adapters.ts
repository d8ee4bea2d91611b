/** @module */
import { OnnxError } from "../model/onnx_error.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import type { LoraKind } from "./layers.ts";

/** Where an adapter adds to what a node makes. */
export interface LoraSite {
  /** What the node makes now. */
  readonly base: string;
  /** What it made before, which is now the sum. */
  readonly output: string;
}

/** An adapter of a model: `y = layer(x) + alpha/rank · B(A(x))`. */
export interface LoraAdapter {
  /** The layer's name. */
  readonly name: string;
  readonly kind: LoraKind;
  /** Name of the initializer with A: `[in, rank]`, `[rank, channels, …kernel]` or `[rows, rank]`. */
  readonly a: string;
  /** Name of the initializer with B: `[rank, out]`, `[out, rank, 1, …]` or `[rank, width]`. */
  readonly b: string;
  readonly rank: number;
  readonly alpha: number;
  readonly sites: readonly LoraSite[];
}

/** What a model says of all its adapters. */
export interface LoraNotes {
  readonly dropout: number;
  readonly adapters: readonly LoraAdapter[];
}

/** The leaves of the names of A and B, as PEFT has them. */
export const leavesOf = (kind: LoraKind): readonly [a: string, b: string] =>
  kind === "embedding"
    ? ["lora_embedding_A", "lora_embedding_B"]
    : ["lora_A.weight", "lora_B.weight"];

const KEY = "precond.lora";
const VERSION = 1;

/**
 * The adapters that addLora() has put into a model, in the order of its layers; none for any other
 * model. They are noted in the model's metadata, so that files keep them.
 *
 * @throws {OnnxError} For notes that are damaged or of a newer version.
 *
 * @example
 * ```ts
 * import { addLora, loraAdapters, type ModelProto } from "@precond/onnx";
 *
 * const adapted = (model: ModelProto) => loraAdapters(addLora(model)).map(({ name }) => name);
 * ```
 */
export function loraAdapters(model: ModelProto): readonly LoraAdapter[] {
  return readNotes(model)?.adapters ?? [];
}

/** What the model's metadata say; undefined where they say nothing. */
export function readNotes(model: ModelProto): LoraNotes | undefined {
  const text = model.metadataProps.find(({ key }) => key === KEY)?.value;
  if (text === undefined) return undefined;
  let found: { version?: unknown; dropout?: number; adapters?: LoraAdapter[] } | null;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new OnnxError(`Cannot read the model's adapters: its metadata "${KEY}" are no JSON`, {
      cause,
    });
  }
  const sound = found?.version === VERSION && Array.isArray(found.adapters) &&
    found.adapters.every((one) =>
      ["name", "kind", "a", "b"].every((key) => typeof one?.[key as "name"] === "string") &&
      one.rank > 0 && Number.isFinite(one.alpha) && Array.isArray(one.sites)
    );
  if (!sound) {
    throw new OnnxError(
      `Cannot read the model's adapters: expected metadata "${KEY}" of version ${VERSION}, ` +
        `actual are ${text.slice(0, 80)}`,
    );
  }
  const graph = model.graph;
  const values = new Set([
    ...(graph?.initializer ?? []).map(({ name }) => name),
    ...(graph?.input ?? []).map(({ name }) => name),
  ]);
  // A part of the model may have been taken, without the others' layers.
  const adapters = found!.adapters!.filter(({ a, b }) => values.has(a) || values.has(b));
  return adapters.length === 0 ? undefined : { dropout: found!.dropout ?? 0, adapters };
}

/** The model's metadata with other notes, or none. */
export function withNotes(
  model: ModelProto,
  notes: LoraNotes | undefined,
): ModelProto["metadataProps"] {
  const others = model.metadataProps.filter(({ key }) => key !== KEY);
  if (notes === undefined || notes.adapters.length === 0) return others;
  const value = JSON.stringify({ version: VERSION, ...notes });
  return [...others, {
    key: KEY,
    value,
  }];
}

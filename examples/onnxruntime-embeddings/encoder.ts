/**
 * A model and its tokenizer, checked against each other.
 *
 * @module
 */
import { addLora, loraLayers, type ModelProto } from "@precond/onnx";
import type { Feeds } from "@precond/onnxruntime";
import { withEmbedding } from "./embedding.ts";
import type { Tokens } from "./tokens.ts";

/** What becomes of the user's model. */
export interface EncoderOptions {
  /** The output to take. Default: what {@linkcode withEmbedding} finds. */
  readonly output?: string | undefined;
  /** Most tokens of a sentence. Default: as many as the tokenizer's file and the model's positions allow. */
  readonly length?: number | undefined;
  /** Rank of the adapters. Default 8. */
  readonly rank?: number | undefined;
}

/** A model with adapters and what it takes. */
export interface Encoder {
  readonly model: ModelProto;
  /** One row a sentence, of one length for all that were known beforehand. */
  feedsOf(sentences: readonly string[]): Feeds;
  /** What the user should know: sentences that were cut. */
  readonly notes: readonly string[];
}

/** Inputs that every sentence encoder has some of. */
const INPUTS = ["input_ids", "attention_mask", "token_type_ids"];

/**
 * Puts adapters into a model and encodes every sentence that will be asked for.
 *
 * @throws {RangeError} For a model that takes something else, or whose table of tokens is of another
 *   vocabulary; for sentences of no room.
 */
export function makeEncoder(
  base: ModelProto,
  tokens: Tokens,
  sentences: readonly string[],
  { output, length, rank = 8 }: EncoderOptions = {},
): Encoder {
  const stored = new Set(base.graph!.initializer.map(({ name }) => name));
  const inputs = base.graph!.input.map(({ name }) => name).filter((name) => !stored.has(name));
  const unknown = inputs.find((name) => !INPUTS.includes(name));
  const missing = INPUTS.slice(0, 2).find((name) => !inputs.includes(name));
  if (unknown !== undefined || missing !== undefined) {
    throw new RangeError(
      `Cannot encode sentences: the model's inputs are ${
        inputs.join(", ")
      }, expected are input_ids, ` +
        `attention_mask and perhaps token_type_ids`,
    );
  }
  const tables = loraLayers(base).filter(({ kind }) => kind === "embedding");
  checkVocabulary(tables.map(({ shape }) => shape[0]!), tokens);
  const positions = tables.find(({ name }) => /position/i.test(name))?.shape[0];
  const limit = Math.min(length ?? tokens.length ?? Infinity, positions ?? Infinity);
  const rows = new Map(sentences.map((text) => [text, tokens.encode(text, limit)]));
  const cut = [...rows].filter(([, row]) => row.cut);
  const width = Math.max(...[...rows.values()].map(({ ids }) => ids.length));
  return {
    model: addLora(withEmbedding(base, output), { rank }),
    notes: cut.length === 0 ? [] : [
      `${cut.length} of ${rows.size} sentences have more than ${limit} tokens (${
        limit === positions ? "the model's positions" : "the length that was asked for"
      }) and are cut, the first: "${cut[0]![0].slice(0, 60)}…"`,
    ],
    feedsOf(wanted) {
      const found = wanted.map((text) => (rows.get(text) ?? tokens.encode(text, limit)).ids);
      const columns = Math.max(width, ...found.map((ids) => ids.length));
      const tensor = (fill: number, of: (id: number) => number) => {
        const data = new BigInt64Array(wanted.length * columns).fill(BigInt(fill));
        found.forEach((ids, i) => ids.forEach((id, j) => data[i * columns + j] = BigInt(of(id))));
        return { data, dims: [wanted.length, columns] };
      };
      const all: Readonly<Record<string, Feeds[string]>> = {
        input_ids: tensor(tokens.padding, (id) => id),
        attention_mask: tensor(0, () => 1),
        token_type_ids: tensor(0, () => 0),
      };
      return Object.fromEntries(inputs.map((name) => [name, all[name]!]));
    },
  };
}

/** Tables are often a little longer than the vocabulary, for even sizes. */
const SPARE = 128;

function checkVocabulary(rows: readonly number[], { size }: Tokens): void {
  if (rows.length === 0) return;
  const table = Math.max(...rows);
  if (size <= table && table - size < SPARE) return;
  throw new RangeError(
    `Cannot encode sentences: the tokenizer has ${size} tokens, the model's table of embeddings ${table} ` +
      `rows; give the tokenizer.json of this model`,
  );
}

/**
 * Sentences as token ids, by a tokenizer.json of Hugging Face.
 *
 * @module
 */
import { Tokenizer } from "@huggingface/tokenizers";

/** What turns sentences into ids. */
export interface Tokens {
  /** One more than the largest id. */
  readonly size: number;
  /** Id of what fills up rows. */
  readonly padding: number;
  /** Most tokens of a sentence that the file asks for; undefined where it does not say. */
  readonly length: number | undefined;
  /** Ids of a sentence with the special ones around it, of which `length` are kept. */
  encode(
    sentence: string,
    length: number,
  ): { readonly ids: readonly number[]; readonly cut: boolean };
}

interface TokenizerJson {
  readonly model?: { readonly vocab?: Record<string, number> | readonly unknown[] };
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
  readonly padding?: { readonly pad_id?: number } | null;
  readonly truncation?: { readonly max_length?: number } | null;
}

/** @throws {TypeError} For a text that is no tokenizer.json. */
export function readTokens(text: string): Tokens {
  let json: TokenizerJson;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`Cannot read the tokenizer: ${(cause as Error).message}`, { cause });
  }
  const vocabulary = json?.model?.vocab;
  if (vocabulary === undefined || vocabulary === null) {
    throw new TypeError(
      "Cannot read the tokenizer: the file has no vocabulary; give the tokenizer.json that lies beside " +
        "the model on Hugging Face, or that save_pretrained() of a fast tokenizer writes",
    );
  }
  const tokenizer = new Tokenizer(json, {});
  const added = json.added_tokens ?? [];
  const ids = Array.isArray(vocabulary)
    ? vocabulary.map((_, id) => id)
    : Object.values(vocabulary as Record<string, number>);
  const plain = (sentence: string) => tokenizer.encode(sentence, { add_special_tokens: false }).ids;
  // What stands before and behind every sentence, such as [CLS] and [SEP].
  const [around, inner] = [tokenizer.encode("a").ids, plain("a")];
  const before = Math.max(
    0,
    around.findIndex((_, k) => inner.every((id, j) => around[k + j] === id)),
  );
  const [head, tail] = [around.slice(0, before), around.slice(before + inner.length)];
  return {
    size: [...ids, ...added.map(({ id }) => id)].reduce((most, id) => Math.max(most, id), -1) + 1,
    padding: json.padding?.pad_id ?? tokenizer.token_to_id("[PAD]") ??
      tokenizer.token_to_id("<pad>") ?? 0,
    length: json.truncation?.max_length,
    encode(sentence, length) {
      const own = plain(sentence);
      const room = length - head.length - tail.length;
      return { ids: [...head, ...own.slice(0, room), ...tail], cut: own.length > room };
    },
  };
}

/**
 * The command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { losses, type LossName } from "./batches.ts";

/** What the program was started with. */
export interface Options {
  readonly model: string;
  readonly tokenizer: string;
  /** Where the sentences are; undefined: the tickets. */
  readonly sentences: string | undefined;
  readonly output: string | undefined;
  readonly loss: LossName;
  readonly steps: number;
  readonly rank: number;
  readonly rate: number;
  readonly length: number | undefined;
  readonly folder: string;
}

const usage = `Cannot begin without a model: give
  --page PORT           serves the page, on which files are chosen, in place of all others
  --model FILE|URL      a sentence encoder as ONNX: inputs input_ids, attention_mask (, token_type_ids)
  --tokenizer FILE|URL  its tokenizer.json
  --sentences FILE|URL  yours: [{ "name": "…", "learn": ["…", …], "heldOut": ["…", …] }, …] (default: 96
                        tickets to a maker of bicycles)
  --output NAME         the output to take (default: the first that is one float vector a sentence, else
                        one a token, of which the mean is taken)
  --loss NAME           ${Object.keys(losses).join(", ")} (default contrastive)
  --steps N             default 60
  --rank N              of the adapters, default 8
  --rate X              learning rate, default 0.0005
  --length N            most tokens of a sentence (default: as the tokenizer's file says)
  --folder NAME         where the adapter is saved (default adapter)`;

/**
 * Reads the arguments.
 *
 * @returns Options, or the port of the page.
 * @throws {Error} Without a model and a tokenizer: the usage.
 * @throws {RangeError} For numbers out of range.
 */
export function readOptions(args?: string[]): Options | { readonly page: number } {
  const { values } = parseArgs({
    ...(args === undefined ? {} : { args }),
    options: {
      page: { type: "string" },
      model: { type: "string" },
      tokenizer: { type: "string" },
      sentences: { type: "string" },
      output: { type: "string" },
      loss: { type: "string", default: "contrastive" },
      steps: { type: "string", default: "60" },
      rank: { type: "string", default: "8" },
      rate: { type: "string", default: "0.0005" },
      length: { type: "string" },
      folder: { type: "string", default: "adapter" },
    },
  });
  const { model, tokenizer, sentences, output, loss, folder } = values;
  const number = (
    name: "steps" | "rank" | "rate" | "length" | "page",
    least: number,
    whole = true,
  ) => {
    const value = Number(values[name]);
    if (value >= least && Number.isFinite(value) && (!whole || Number.isInteger(value))) {
      return value;
    }
    throw new RangeError(
      `Cannot begin: --${name} must be ${
        whole ? `an integer from ${least}` : "a positive number"
      }, ` +
        `current value is ${values[name]}`,
    );
  };
  if (values.page !== undefined) return { page: number("page", 0) };
  if (model === undefined || tokenizer === undefined) throw new Error(usage);
  if (!Object.hasOwn(losses, loss)) {
    throw new RangeError(
      `Cannot begin: --loss must be one of ${
        Object.keys(losses).join(", ")
      }, current value is ${loss}`,
    );
  }
  return {
    model,
    tokenizer,
    sentences,
    output,
    loss: loss as LossName,
    steps: number("steps", 2),
    rank: number("rank", 1),
    rate: number("rate", Number.MIN_VALUE, false),
    length: values.length === undefined ? undefined : number("length", 3),
    folder,
  };
}

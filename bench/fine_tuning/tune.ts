/**
 * A small decoder of characters that is pre-trained on the guide and then fine-tuned on notes, by
 * adapters (LoRA) beside its weights.
 *
 * @module
 */
import { adamW, combined, type Definition, snrOnly } from "@precond/core";
import { addLora, buildModel, readModel } from "@precond/onnx";
import { type Feeds, type Ort, Trainer } from "@precond/onnxruntime";
import { decoder } from "../decoder/network.ts";
import { guideText, numbersOf, symbols } from "../problems/text.ts";
import { type Random, random } from "../random.ts";
import { notes } from "./notes.ts";

/** The sizes of network, batches and texts. */
export const sizes = { length: 32, batch: 8, layers: 2, width: 64, rank: 4, alpha: 8, lines: 32 };

const sessionOptions = { intraOpNumThreads: 1 };
const loss = { type: "crossEntropy", axis: -1 } as const;

/** What is tuned with, and its rate when none is given. */
export const optimizers: Readonly<
  Record<string, { make(learningRate: number): Definition; readonly usual: number }>
> = {
  adamW: { make: (learningRate) => adamW({ learningRate }), usual: 0.001 },
  snrOnly: { make: (learningRate) => snrOnly({ learningRate }), usual: 0.05 },
  combined: { make: (learningRate) => combined({ learningRate }), usual: 0.04 },
};

/** Windows of a text that begin at `starts`; each character's label is the next one. */
function windows(text: Uint8Array, starts: readonly number[]): Feeds {
  const at = (shift: number) => ({
    data: BigInt64Array.from(
      starts.flatMap((s) => [...text.subarray(s + shift, s + shift + sizes.length)]),
      BigInt,
    ),
    dims: [starts.length, sizes.length],
  });
  return { tokens: at(0), labels: at(1) };
}

function drawn(text: Uint8Array, draw: Random): Feeds {
  const last = text.length - sizes.length - 1;
  return windows(text, Array.from({ length: sizes.batch }, () => draw.integer(last)));
}

/** All windows of a text, side by side; at most 32 of them. */
function whole(text: Uint8Array): Feeds {
  const count = Math.min(32, Math.floor((text.length - 1) / sizes.length));
  return windows(text, Array.from({ length: count }, (_, k) => k * sizes.length));
}

/** The guide's first nine tenths, and its last. */
function guide(): { train: Uint8Array; test: Uint8Array } {
  const all = numbersOf(guideText().content);
  const cut = Math.round(0.9 * all.length);
  return { train: all.subarray(0, cut), test: all.subarray(cut) };
}

/** The network after so many steps on the guide: its file. */
export async function pretrained(ort: Ort, seed: number, steps: number): Promise<Uint8Array> {
  const m = buildModel();
  const { length, layers, width } = sizes;
  const heads = { heads: 4, sharedHeads: 2, hidden: 2 * width };
  decoder(m, { length, layers, width, ...heads, vocabulary: symbols });
  const trainer = await Trainer.create(ort, { model: m.build(), loss }, {
    optimizer: adamW({ learningRate: 0.003 }),
    sessionOptions,
    trainable: (name) => name.endsWith(".weight"),
  });
  const draw = random("fine-tuning", "guide", seed);
  const { train } = guide();
  for (let k = 0; k < steps; k++) await trainer.step(drawn(train, draw));
  const file = await trainer.exportModel();
  await trainer.release();
  return file;
}

/** One run. Losses are of characters in mean; on notes and on the guide of which nothing was trained on. */
export interface Tuned {
  readonly firstLoss: number;
  /** Infinite where the run diverged. */
  readonly lastLoss: number;
  readonly bestLoss: number;
  readonly firstGuideLoss: number;
  readonly lastGuideLoss: number;
}

/** A row: a run, and what was run. */
export interface FineTuning extends Tuned {
  readonly optimizer: string;
  readonly learningRate: number;
  /** Of the default rate. */
  readonly share: number;
  readonly seed: number;
}

/** Fine-tunes a network for so many steps. */
export async function tune(
  ort: Ort,
  { base, optimizer, seed, steps }: {
    readonly base: Uint8Array;
    readonly optimizer: Definition;
    readonly seed: number;
    readonly steps: number;
  },
): Promise<Tuned> {
  const draw = random("fine-tuning", "notes", seed);
  const mine = numbersOf(notes(sizes.lines, draw)), unseen = whole(numbersOf(notes(64, draw)));
  const known = whole(guide().test);
  const model = addLora(readModel(base), { rank: sizes.rank, alpha: sizes.alpha, seed });
  const trainer = await Trainer.create(ort, { model, loss }, { optimizer, sessionOptions });
  const losses = [(await trainer.evaluate(unseen)).loss];
  const firstGuideLoss = (await trainer.evaluate(known)).loss;
  let diverged = false;
  for (let k = 1; k <= steps && !diverged; k++) {
    try {
      await trainer.step(drawn(mine, draw));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // a loss that is not finite
      diverged = true;
    }
    if (k % 20 === 0) losses.push((await trainer.evaluate(unseen)).loss);
  }
  const lastGuideLoss = diverged ? Infinity : (await trainer.evaluate(known)).loss;
  await trainer.release();
  return {
    firstLoss: losses[0]!,
    lastLoss: diverged ? Infinity : losses.at(-1)!,
    bestLoss: Math.min(...losses),
    firstGuideLoss,
    lastGuideLoss,
  };
}

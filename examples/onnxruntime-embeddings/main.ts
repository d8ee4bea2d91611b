/**
 * Teaches a sentence encoder of yours which support tickets belong together: an adapter of low rank
 * beside its weights learns from pairs of sentences; held-out sentences tell what it was good for.
 *
 * Run: deno run -A examples/onnxruntime-embeddings/main.ts --model FILE --tokenizer FILE
 */
import { readModel } from "@precond/onnx";
import { loadAdapterFolder, saveAdapterFolder } from "@precond/onnxruntime/node";
import * as ort from "onnxruntime-node";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { makeEncoder } from "./encoder.ts";
import { readGroups, sentencesOf } from "./groups.ts";
import { load } from "./load.ts";
import { type Options, readOptions } from "./options.ts";
import { embed, largestDifference, type Scores } from "./scores.ts";
import { tickets } from "./tickets.ts";
import { readTokens } from "./tokens.ts";
import { openTrainer, tune } from "./tune.ts";

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const say = (name: string, { same, different, apart, accuracy }: Scores) =>
  console.log(
    `${name}: held-out pairs told apart ${percent(apart)}, cosine of one group ` +
      `${same.toFixed(3)}, of two groups ${different.toFixed(3)}, margin ` +
      `${(same - different).toFixed(3)}; the nearest learnt one is of the group for ${
        percent(accuracy)
      }`,
  );

const text = async (what: string, place: string) =>
  new TextDecoder().decode(await load(what, place));

/** Tunes the model that the options name. */
async function run(options: Options): Promise<void> {
  const groups = options.sentences === undefined
    ? tickets
    : readGroups(await text("sentences", options.sentences));
  const tokens = readTokens(await text("tokenizer", options.tokenizer));
  const file = await load("model", options.model);
  const encoder = makeEncoder(readModel(file), tokens, sentencesOf(groups), options);
  for (const note of encoder.notes) console.warn(note);

  const trainer = await openTrainer(ort, encoder, options);
  const { before, after, secondsPerStep } = await tune(trainer, encoder, groups, {
    ...options,
    onStep: (step, loss) => {
      if (step % 10 === 0) console.log(`step ${step} of ${options.steps}: loss ${loss.toFixed(4)}`);
    },
  });
  say("before", before);
  say("after", after);
  console.log(`${secondsPerStep.toFixed(3)} s a step`);

  await saveAdapterFolder(trainer, options.folder);
  const { size } = await stat(join(options.folder, "adapter_model.safetensors"));
  console.log(
    `adapter: ${(size / 1000).toFixed(0)} kB in ${options.folder} beside a model of ` +
      `${(file.length / 1e6).toFixed(1)} MB`,
  );
  const heldOut = groups.flatMap((group) => group.heldOut);
  const learnt = await embed(trainer, encoder, heldOut);
  await trainer.release();

  const again = await openTrainer(ort, encoder, options);
  await loadAdapterFolder(again, options.folder);
  const difference = largestDifference(learnt, await embed(again, encoder, heldOut));
  await again.release();
  console.log(
    `loaded beside the untrained model: embeddings differ by ${difference.toExponential(1)}`,
  );
}

const options = readOptions();
if ("page" in options) {
  const { serve } = await import("./serve_page.ts");
  const { addr } = await serve(options.page);
  console.log(`http://${addr.hostname}:${addr.port}/`);
} else {
  await run(options);
}

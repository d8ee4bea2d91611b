/**
 * Pre-trains a small GPT on this repository's own pages, then personalises it with LoRA on two dozen
 * lines that somebody wrote: the weights stay as they are, a small adapter beside them is what learns.
 * Evaluated are the last lines, which were not trained on.
 *
 * Run: deno run -A examples/onnxruntime-lora/main.ts
 */
import { adamW } from "@precond/core";
import { addLora, mergeLora, readModel, writeModel } from "@precond/onnx";
import { type Feeds, Trainer } from "@precond/onnxruntime";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { makeGpt } from "./gpt.ts";
import { notes } from "./notes.ts";

/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

const LENGTH = 48, BATCH = 16;
const root = join(import.meta.dirname!, "../..");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md")).sort()
  .map((name) => readFileSync(join(root, name), "utf8")).join("\n");

/** Characters as numbers: a line's end, what ASCII prints, a space for all others. */
const encode = (text: string) =>
  Array.from(text, (c) => c === "\n" ? 0 : c >= " " && c <= "~" ? c.charCodeAt(0) - 31 : 1);
const decode = (tokens: readonly number[]) =>
  tokens.map((t) => t === 0 ? "\n" : String.fromCharCode(t + 31)).join("");

const cut = notes.lastIndexOf("\n", notes.length * 0.75) + 1;
const [web, mine, rest] = [pages, notes.slice(0, cut), notes.slice(cut)].map(encode) as [
  number[],
  number[],
  number[],
];

/** Windows of a text that begin at `starts`; each character's label is the next one. */
function windows(text: readonly number[], starts: readonly number[]): Feeds {
  const dims = [starts.length, LENGTH];
  const at = (shift: number) => ({
    data: BigInt64Array.from(
      starts.flatMap((s) => text.slice(s + shift, s + shift + LENGTH)),
      BigInt,
    ),
    dims,
  });
  return { tokens: at(0), labels: at(1) };
}
function* batches(text: readonly number[], count: number) {
  const last = text.length - LENGTH - 1;
  for (let k = 0; k < count; k++) {
    yield windows(text, Array.from({ length: BATCH }, () => Math.floor(last * uniform())));
  }
}
const unseen = windows(
  rest,
  Array.from({ length: Math.floor((rest.length - 1) / LENGTH) }, (_, k) => k * LENGTH),
);

/** What the model writes after a prompt, the likeliest character each time. */
async function write(model: Uint8Array, prompt: string, count: number): Promise<string> {
  const session = await ort.InferenceSession.create(model);
  const tokens = encode(prompt);
  for (let k = 0; k < count && tokens.at(-1) !== 0; k++) {
    const seen = tokens.slice(-LENGTH), at = seen.length - 1;
    const data = BigInt64Array.from({ length: LENGTH }, (_, i) => BigInt(seen[i] ?? 1));
    const { logits } = await session.run({ tokens: new ort.Tensor("int64", data, [1, LENGTH]) });
    const width = logits!.dims[2]!;
    const scores = (logits!.data as Float32Array).subarray(at * width, (at + 1) * width);
    tokens.push(scores.indexOf(Math.max(...scores)));
  }
  await session.release();
  return decode(tokens.slice(encode(prompt).length)).trimEnd();
}

const loss = { type: "crossEntropy", axis: -1 } as const;
const sizes = { vocabulary: 96, length: LENGTH, width: 64, heads: 4, layers: 2 };
const pretraining = await Trainer.create(ort, { model: makeGpt(sizes, normal), loss }, {
  optimizer: adamW({ learningRate: 0.003 }),
});
await pretraining.fit(batches(web, 200));
const base = await pretraining.exportModel(); // or the bytes of a model of yours
await pretraining.release();

const model = addLora(readModel(base), { rank: 4, alpha: 8 });
const personal = await Trainer.create(ort, { model, loss }, {
  optimizer: adamW({ learningRate: 0.005 }),
});
const before = await personal.evaluate(unseen);
await personal.fit(batches(mine, 150));
const after = await personal.evaluate(unseen);

const files = await personal.saveAdapter(); // what Hugging Face's PEFT reads, too
const merged = writeModel(mergeLora(readModel(await personal.exportModel())));
await personal.release();
const adapter = files["adapter_model.safetensors"]!.length;
console.log(`before: test loss ${before.loss.toFixed(3)} a character`);
console.log(`after: test loss ${after.loss.toFixed(3)}`);
console.log(`adapter: ${adapter} bytes beside a model of ${base.length}`);
const prompt = "[ ] call ";
for (const [name, bytes] of [["before", base], ["after", merged]] as const) {
  console.log(`${name}: ${prompt}${await write(bytes, prompt, 40)}`);
}

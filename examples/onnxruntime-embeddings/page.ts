/**
 * The page: an encoder learns in the tab. `?model=ADDRESS&tokenizer=ADDRESS` take the place of files,
 * `?provider=wasm` that of the GPU.
 *
 * @module
 */
import { readModel } from "@precond/onnx";
import { type AdapterFiles, Trainer } from "@precond/onnxruntime";
import * as ort from "onnxruntime-web/webgpu";
import { losses, type LossName } from "./batches.ts";
import { type Encoder, makeEncoder } from "./encoder.ts";
import { readGroups, sentencesOf } from "./groups.ts";
import { embed, product, type Scores } from "./scores.ts";
import { tickets } from "./tickets.ts";
import { readTokens } from "./tokens.ts";
import { openTrainer, tune } from "./tune.ts";

ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
ort.env.logLevel = "error";

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const input = (id: string) => element<HTMLInputElement>(id);
const status = (text: string, failed = false) => {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
};
const query = new URLSearchParams(location.search);

/** What has learnt, with the adapter before and after. */
interface Learnt {
  readonly trainer: Trainer;
  readonly encoder: Encoder;
  readonly before: AdapterFiles;
  readonly after: AdapterFiles;
}
let learnt: Learnt | undefined;

/** The bytes of the file that was chosen, or of the address in the query. */
async function bytesOf(what: string): Promise<Uint8Array | undefined> {
  const [file] = input(what).files ?? [];
  if (file !== undefined) return new Uint8Array(await file.arrayBuffer());
  const address = query.get(what);
  if (address === null) return undefined;
  const response = await fetch(address);
  if (!response.ok) {
    throw new Error(`Cannot fetch the ${what}: ${address} answered ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

async function needed(what: string): Promise<Uint8Array> {
  const bytes = await bytesOf(what);
  if (bytes === undefined) throw new Error(`Cannot begin: choose a file for the ${what}`);
  return bytes;
}

const gpu = () => (navigator as { gpu?: { requestAdapter(): Promise<object | null> } }).gpu;

function show(when: "before" | "after", scores: Scores): void {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  element(`${when}-apart`).textContent = percent(scores.apart);
  element(`${when}-accuracy`).textContent = percent(scores.accuracy);
  element(`${when}-same`).textContent = scores.same.toFixed(3);
  element(`${when}-different`).textContent = scores.different.toFixed(3);
}

async function learn(provider: string): Promise<void> {
  status("Reading …");
  await learnt?.trainer.release();
  learnt = undefined;
  const text = new TextDecoder();
  const own = await bytesOf("sentences");
  const groups = own === undefined ? tickets : readGroups(text.decode(own));
  const tokens = readTokens(text.decode(await needed("tokenizer")));
  const encoder = makeEncoder(readModel(await needed("model")), tokens, sentencesOf(groups), {
    output: query.get("output") ?? undefined,
  });
  status("Starting …");
  const loss = element<HTMLSelectElement>("loss").value as LossName;
  const [steps, rate] = [input("steps").valueAsNumber, input("rate").valueAsNumber];
  const trainer = await openTrainer(ort, encoder, {
    loss,
    rate,
    executionProviders: [provider],
  });
  try {
    const before = await trainer.saveAdapter();
    const tuned = await tune(trainer, encoder, groups, {
      loss,
      steps,
      onStep: async (step, loss) => {
        status(`Learning: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
        await new Promise(requestAnimationFrame);
      },
    });
    show("before", tuned.before);
    show("after", tuned.after);
    const after = await trainer.saveAdapter();
    const size = after["adapter_model.safetensors"]!.length;
    element("cost").textContent = `${tuned.secondsPerStep.toFixed(3)} s a step, an adapter of ` +
      `${Math.round(size / 1000)} kB`;
    learnt = { trainer, encoder, before, after };
    status(["Learnt, and nothing has left this tab", ...encoder.notes].join(". "));
  } finally {
    if (learnt === undefined) await trainer.release();
  }
}

/** Both adapters on the sessions that are open. */
async function compare({ trainer, encoder, before, after }: Learnt): Promise<void> {
  const sentences = [input("first").value, input("second").value];
  for (const [when, adapter] of [["before", before], ["after", after]] as const) {
    trainer.loadAdapter(adapter);
    const [x, y] = await embed(trainer, encoder, sentences);
    element(`cosine-${when}`).textContent = product(x!, y!).toFixed(3);
  }
  status("Compared");
}

function download({ after }: Learnt): void {
  for (const [name, bytes] of Object.entries(after)) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

async function start(): Promise<void> {
  const provider = query.get("provider") !== "wasm" && await gpu()?.requestAdapter()
    ? "webgpu"
    : "wasm";
  element("provider").textContent = provider;
  element("loss").append(...Object.keys(losses).map((name) => new Option(name)));
  /** One thing at a time, and no click while it goes on. */
  const busy = async (job: () => void | Promise<void>) => {
    element<HTMLFieldSetElement>("controls").disabled = true;
    try {
      await job();
    } catch (error) {
      status((error as Error).message, true);
    } finally {
      element<HTMLFieldSetElement>("controls").disabled = false;
      for (const id of ["compare", "download"]) {
        element<HTMLButtonElement>(id).disabled = learnt === undefined;
      }
    }
  };
  element("train").onclick = () => busy(() => learn(provider));
  element("compare").onclick = () => busy(() => compare(learnt!));
  element("download").onclick = () => busy(() => download(learnt!));
  await busy(() => status("Ready: choose a model and its tokenizer"));
}

start().catch((error: Error) => status(error.message, true));

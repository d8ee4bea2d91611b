/** Trains one contender, as the page asks. */
import { startBackend } from "./backend.ts";
import type { Reply, Request } from "./messages.ts";
import { makeRun, type Run } from "./run.ts";
import { chooseRate } from "./tuning.ts";

const wasmFiles = new URL("./wasm/", import.meta.url).href;

let run: Run | undefined;
let starting = new AbortController();

const reply = (message: Reply) => postMessage(message);

async function start({ id, options }: Extract<Request, { kind: "start" }>, signal: AbortSignal) {
  run?.dispose();
  run = undefined;
  signal.throwIfAborted();
  const backend = await startBackend(options.backend, wasmFiles);
  const onTried = (done: number, of: number) => reply({ kind: "tuning", id, done, of });
  const rate = options.rate ??
    options.rateFactor * await chooseRate(options, { signal, onTried });
  run = makeRun({ ...options, rate, observed: true });
  reply({ kind: "started", id, backend, rate });
}

async function advance({ id, steps, detailed }: Extract<Request, { kind: "advance" }>) {
  if (!run) throw new Error("Cannot train: no run has been started");
  run.step(steps);
  const [train, test] = [await run.score("train"), await run.score("test")];
  const view = detailed ? { view: { decisions: await run.decisions(), ...await run.noise() } } : {};
  reply({ kind: "advanced", id, step: run.steps, train, test, ...view });
}

/** One thing at a time. */
let last: Promise<void> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") {
    starting.abort(); // what is chosen there is wanted no more
    starting = new AbortController();
  }
  const { signal } = starting;
  last = last.then(() => data.kind === "start" ? start(data, signal) : advance(data))
    .catch((error: Error) => {
      if (!signal.aborted) reply({ kind: "failed", id: data.id, message: error.message });
    });
});

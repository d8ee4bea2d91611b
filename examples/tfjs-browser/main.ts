/**
 * Trains in the tab and shows what happens: losses, decisions, and T of every weight.
 *
 * Run: deno run -A examples/tfjs-browser/serve.ts
 */
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-layers"; // registers the gradients
import { drawDecisions } from "./decision_map.ts";
import { drawFractions, drawScale } from "./fraction_map.ts";
import { drawLosses, type Run } from "./loss_curve.ts";
import { methods } from "./methods.ts";
import * as page from "./page.ts";
import { type LayerFractions, makeTrainer, startBackend, type Trainer } from "./trainer.ts";

setWasmPaths("wasm/");

const { controls } = page;
const stepsPerRound = 10, roundsPerMap = 5;
let trainer: Trainer;
let runs: Run[] = [];
let running = false;
let round = 0;
let shown: { probabilities: Float32Array; layers?: LayerFractions[] } | undefined;

function draw(): void {
  drawScale(page.element<HTMLCanvasElement>("scale-colors"));
  drawLosses(page.element<HTMLCanvasElement>("losses"), runs);
  if (!shown) return;
  const canvas = page.element<HTMLCanvasElement>("decisions");
  drawDecisions(canvas, shown.probabilities, trainer.train);
  if (shown.layers) drawFractions(page.element("fractions"), shown.layers);
}

/** Reads everything back: awaits the backend, blocks nothing. */
async function look(withMap: boolean): Promise<void> {
  const losses = await trainer.losses();
  const step = trainer.iteration;
  runs.at(-1)!.points.push({ step, train: losses.train, test: losses.test });
  page.showLosses(step, losses);
  if (withMap || !shown) {
    const probabilities = await trainer.decisions();
    // Of one step nothing is known of the noise.
    const noise = step > 1 ? await trainer.noise() : undefined;
    if (noise) page.showScale(noise);
    const layers = noise?.layers ?? shown?.layers;
    shown = { probabilities, ...(layers ? { layers } : {}) };
  }
  draw();
}

async function advance(): Promise<void> {
  const before = performance.now();
  trainer.step(stepsPerRound);
  await look(++round % roundsPerMap === 0);
  page.showSpeed(1000 * stepsPerRound / (performance.now() - before));
}

/** One thing at a time: a switch waits until the steps under way are done. */
let last: Promise<void> = Promise.resolve();
function inTurn(job: () => Promise<void>): Promise<void> {
  return last = last.then(job).catch((error: Error) => {
    pause();
    page.showStatus(error.message, true);
  });
}

function tick(): void {
  if (!running) return;
  inTurn(advance).then(() => requestAnimationFrame(tick));
}

function pause(): void {
  running = false;
  controls.toggle.textContent = "Start";
}

function start(): void {
  running = true;
  controls.toggle.textContent = "Pause";
  page.showStatus("");
  tick();
}

/** A new run with what is chosen; the last run of every other method stays to compare with. */
function restart(): Promise<void> {
  return inTurn(async () => {
    const { method: { value: key }, rate, flipped } = controls;
    const method = methods[key]!;
    trainer?.dispose();
    trainer = makeTrainer({ method, rate: Number(rate.value), flipped: Number(flipped.value) });
    runs = runs.filter((run) => run.method !== key && run.points.length > 1);
    runs.push({ method: key, label: method.label, points: [] });
    [round, shown] = [0, undefined];
    page.clearNumbers();
    page.showLegend(runs);
    await look(true);
  });
}

function move(): Promise<void> {
  const backend = controls.backend.value;
  return inTurn(async () => {
    page.showStatus(`Moving weights and optimizer state to ${backend} …`);
    try {
      await trainer.move(backend);
      page.showStatus(`The run goes on on ${backend}, at step ${trainer.iteration}`);
      current = backend;
    } finally {
      controls.backend.value = current;
    }
  });
}

const isWanted = (name: string | null): name is string =>
  [...controls.backend.options].some(({ value }) => value === name);
const wanted = new URLSearchParams(location.search).get("backend");
let current = isWanted(wanted) ? wanted : "webgl";

page.offerMethods("combined");
page.offerRates(methods.combined!.rate);
controls.toggle.onclick = () => running ? pause() : start();
controls.reset.onclick = restart;
controls.method.onchange = () => {
  page.offerRates(methods[controls.method.value]!.rate);
  restart();
};
controls.rate.onchange = restart;
controls.flipped.onchange = () => {
  runs = []; // losses on other data do not compare
  restart();
};
controls.backend.onchange = move;
globalThis.addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  page.showLegend(runs);
  draw();
});

// Before everything that a click asks for.
inTurn(async () => {
  await startBackend(current).catch(() => startBackend(current = "cpu"));
  controls.backend.value = current;
});
await restart();

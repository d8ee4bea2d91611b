/** The playground. */
import { type CsvPoints, readCsv } from "../data/csv.ts";
import type { Task } from "../data/examples.ts";
import { lineup, tuningSteps } from "../training/lineup.ts";
import { offerDrawing } from "./drawing.ts";
import { element } from "./elements.ts";
import { plain, type PresetName, presets } from "./presets.ts";
import { makeRunner } from "./runner.ts";
import {
  offerSettings,
  offerWebgpu,
  readSettings,
  type Settings,
  showSettings,
} from "./settings.ts";
import { makeTask } from "./tasks.ts";
import { draw, offerDecisions } from "./view.ts";
import { offerMaps } from "./weight_maps.ts";

const stepsAtATime = 600;
const toggle = element<HTMLButtonElement>("toggle");
const shownSelect = element<HTMLSelectElement>("shown");
const logarithmic = element<HTMLInputElement>("logarithmic");

let file: CsvPoints | undefined;
let task: Task | undefined;
let settings: Settings;
let steps = stepsAtATime;

const runner = makeRunner(new URL("worker.js", document.baseURI), {
  onStatus: showStatus,
  onSeen: show,
  onRunning(running) {
    const begun = (runner?.histories[0]?.points.length ?? 0) > 0;
    toggle.textContent = running ? "Pause" : begun ? "Go on" : "Start";
  },
  onCompiling(seconds) {
    element("compiling").hidden = seconds === undefined;
    element("compiling-text").textContent = `Compiling shaders for WebGPU: ${seconds} s so far. ` +
      "That takes seconds with a GPU, and minutes where the browser only imitates one.";
  },
});

function showStatus(text: string, failed = false): void {
  const status = element("status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

function show(): void {
  const { histories } = runner;
  const chosen = histories.find(({ name }) => name === shownSelect.value) ?? histories[0];
  if (!task || !chosen) return;
  const { batchSize } = settings;
  draw({ task, batchSize, end: steps, logarithmic: logarithmic.checked, histories, chosen });
  const { code } = lineup[chosen.name];
  const rate = Number.isNaN(chosen.rate) ? 0.01 : Number(chosen.rate.toPrecision(2));
  element("line").textContent = `model.compile({ optimizer: ${code(rate)}, loss: … });`;
}

/** Takes the settings over; the next start begins anew, with the same rates if nothing is new. */
function reset(again = false): void {
  settings = readSettings();
  element("file-part").hidden = settings.data !== "file";
  element("draw-part").hidden = settings.data !== "drawn";
  drawing.draw();
  try {
    task = makeTask(settings, { drawn: drawing.points(), ...(file ? { file } : {}) });
  } catch (error) {
    task = undefined;
    runner.pause();
    showStatus((error as Error).message);
    return;
  }
  const chosen = shownSelect.value;
  runner.reset(task, settings, again);
  const { histories } = runner;
  shownSelect.replaceChildren(
    ...histories.map(({ name, label }) => new Option(label, name, false, name === chosen)),
  );
  if (chosen === "" || shownSelect.value === "") shownSelect.value = "combined";
  offerDecisions({ task, histories });
  show();
}

/** A setting was changed by hand: no preset is shown any more. */
function change(): void {
  markPreset(undefined);
  steps = stepsAtATime;
  reset();
}

function markPreset(name: PresetName | undefined): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-preset]")) {
    button.ariaPressed = String(button.dataset.preset === name);
  }
  element("preset-text").textContent = name
    ? presets[name].text
    : "A task of your own. Start trains all five on it.";
}

function choosePreset(name: PresetName): void {
  const preset = presets[name];
  showSettings({ ...plain, ...preset.settings });
  steps = preset.steps;
  logarithmic.checked = preset.logarithmic;
  markPreset(name);
  reset();
}

element("presets").replaceChildren(
  ...Object.entries(presets).map(([name, { title }]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.preset = name;
    button.textContent = title;
    button.onclick = () => choosePreset(name as PresetName);
    return button;
  }),
);
element("tuning-steps").textContent = String(tuningSteps);
offerMaps(element("maps"));
const drawing = offerDrawing(() => {
  if (readSettings().data === "drawn") change();
});
offerSettings(change);

toggle.onclick = () => {
  if (runner.running) return runner.pause();
  if (!task) return reset(); // says what is missing
  runner.start(steps);
};
element("reset").onclick = () => reset(true);
element("use-wasm").onclick = () => {
  showSettings({ backend: "wasm" });
  reset();
  runner.start(steps);
};
shownSelect.onchange = logarithmic.onchange = show;
element<HTMLInputElement>("file").onchange = async (event) => {
  const [chosen] = (event.target as HTMLInputElement).files ?? [];
  if (!chosen) return;
  try {
    file = readCsv(await chosen.text());
  } catch (error) {
    return showStatus((error as Error).message, true);
  }
  change();
};
addEventListener("resize", () => {
  drawing.draw();
  show();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  drawing.draw();
  if (task) offerDecisions({ task, histories: runner.histories }); // their colours
  show();
});

offerWebgpu();
const asked = new URLSearchParams(location.search).get("preset");
choosePreset(asked && asked in presets ? asked as PresetName : "ill");

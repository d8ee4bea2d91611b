/** What the visitor chooses, and the controls for it. */
import { element } from "./elements.ts";

/** Where the examples come from. */
export type DataName = "moons" | "spirals" | "digits" | "drawn" | "file";

/** Everything that a run depends on. */
export interface Settings {
  readonly data: DataName;
  /** Which optimizer stands for signal to noise. */
  readonly snr: "snrOnly" | "signalSgd";
  readonly backend: "wasm" | "webgpu" | "cpu";
  readonly count: number;
  readonly labelNoise: number;
  readonly useless: number;
  readonly squeeze: number;
  readonly batchSize: number;
  readonly hidden: number;
  readonly rateFactor: number;
  /** What examples and the weights at the start are drawn by. */
  readonly seed: number;
}

/** A setting that has a slider. */
type SliderName =
  | "count"
  | "labelNoise"
  | "useless"
  | "squeeze"
  | "batchSize"
  | "hidden"
  | "rateFactor"
  | "seed";

interface Slider {
  readonly label: string;
  readonly hint: string;
  readonly values: readonly number[];
  readonly text?: (value: number) => string;
}

const percent = (value: number) => `${Math.round(100 * value)} %`;

/** The sliders; each stands at one of its values. */
const sliders: Readonly<Record<SliderName, Slider>> = {
  count: {
    label: "Training examples",
    hint: "How much there is to learn from.",
    values: [20, 50, 100, 200, 400, 800, 1500, 3000],
  },
  labelNoise: {
    label: "Label noise",
    hint: "The share of the training examples whose label is wrong.",
    values: [0, 0.05, 0.1, 0.2, 0.3, 0.4],
    text: percent,
  },
  useless: {
    label: "Useless inputs",
    hint: "Numbers of pure chance that are added to each example.",
    values: [0, 10, 30, 60, 100, 200],
  },
  squeeze: {
    label: "Squeeze",
    hint: "How many times narrower the points lie along one diagonal when the network gets them.",
    values: [1, 3, 10, 30, 100],
    text: (value) => value === 1 ? "none" : `${value} times`,
  },
  batchSize: {
    label: "Batch size",
    hint: "Examples that each step looks at. Fewer make a step cheaper and noisier.",
    values: [2, 4, 8, 16, 32, 64, 128, 256],
  },
  hidden: {
    label: "Hidden width",
    hint: "Units in each of the network's two hidden layers.",
    values: [4, 8, 16, 32, 64],
  },
  rateFactor: {
    label: "Learning rate",
    hint: "Multiplies every optimizer's step length.",
    values: [0.1, 0.3, 1, 3, 10],
    text: (value) => value === 1 ? "as shipped, or as tuned" : `times ${value}`,
  },
  seed: {
    label: "Random draw",
    hint: "Another number draws other examples and other weights to start from.",
    values: [1, 2, 3, 4, 5, 6, 7, 8],
  },
};

const names = Object.keys(sliders) as SliderName[];
const input = (name: SliderName) => element<HTMLInputElement>(`slider-${name}`);
/** The settings that have a list. */
const lists = ["data", "snr", "backend"] as const;
const select = (name: typeof lists[number]) => element<HTMLSelectElement>(name);

function textOf(name: SliderName, index: number): string {
  const { values, text = String } = sliders[name];
  return text(values[index]!);
}

function say(name: SliderName): void {
  const text = textOf(name, Number(input(name).value));
  input(name).setAttribute("aria-valuetext", text);
  element(`value-${name}`).textContent = text;
}

/** Makes the sliders, and listens to everything that a run depends on. */
export function offerSettings(onChange: () => void): void {
  element("sliders").replaceChildren(...names.map((name) => {
    const { label, hint, values } = sliders[name];
    const row = document.createElement("div");
    row.className = "slider";
    row.innerHTML = `<label for="slider-${name}">${label}</label><output id="value-${name}"
      for="slider-${name}"></output><input type="range" id="slider-${name}" min="0"
      max="${values.length - 1}" step="1" aria-describedby="hint-${name}"><p class="hint"
      id="hint-${name}">${hint}</p>`;
    return row;
  }));
  for (const name of names) {
    input(name).oninput = () => say(name);
    input(name).onchange = onChange;
  }
  for (const name of lists) select(name).onchange = onChange;
}

/** Says which WebGPU there is: none, one that the browser imitates, or a GPU's. */
export async function offerWebgpu(): Promise<void> {
  const option = select("backend").querySelector<HTMLOptionElement>("[value=webgpu]")!;
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  option.disabled = !adapter;
  const { isFallbackAdapter, architecture, description } = (adapter?.info ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const imitated = isFallbackAdapter ||
    /swiftshader|llvmpipe|basic render/i.test(`${architecture} ${description}`);
  if (imitated) option.textContent += " without a GPU, slow";
}

/** What the controls say. */
export function readSettings(): Settings {
  const valueOf = (name: SliderName) => sliders[name].values[Number(input(name).value)]!;
  return {
    ...Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<SliderName, number>,
    data: select("data").value as DataName,
    snr: select("snr").value as Settings["snr"],
    backend: select("backend").value as Settings["backend"],
  };
}

/** Sets controls; those that are not named stay. */
export function showSettings(settings: Partial<Settings>): void {
  for (const name of names) {
    const value = settings[name];
    if (value !== undefined) input(name).value = String(sliders[name].values.indexOf(value));
    say(name);
  }
  for (const name of lists) {
    const value = settings[name];
    if (value !== undefined) select(name).value = value;
  }
}

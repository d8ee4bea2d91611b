/** What the page shows, besides its canvases. */
import { color } from "./colors.ts";
import { methods } from "./methods.ts";
import type { Run } from "./loss_curve.ts";
import type { Losses } from "./trainer.ts";

export function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

type Lists = Readonly<Record<"method" | "rate" | "flipped" | "backend", HTMLSelectElement>>;
type Buttons = Readonly<Record<"toggle" | "reset", HTMLButtonElement>>;

export const controls: Lists & Buttons = {
  toggle: element("toggle"),
  reset: element("reset"),
  method: element("method"),
  rate: element("rate"),
  flipped: element("flipped"),
  backend: element("backend"),
};

const option = (text: string, value: string, selected = false) =>
  new Option(text, value, selected, selected);

/** Fills the list of optimizers. */
export function offerMethods(chosen: string): void {
  const entries = Object.entries(methods);
  controls.method.replaceChildren(
    ...entries.map(([key, { label, rule }]) => option(`${label}:  ${rule}`, key, key === chosen)),
  );
}

/** Fills the list of learning rates, around the one that suits the method. */
export function offerRates(rate: number): void {
  controls.rate.replaceChildren(
    ...[0.1, 0.3, 1, 3, 10].map((factor) => {
      const value = String(Number((rate * factor).toPrecision(1)));
      return option(value, value, factor === 1);
    }),
  );
}

export function showLosses(step: number, { train, test, accuracy }: Losses): void {
  element("step").textContent = String(step);
  element("train").textContent = train.toFixed(3);
  element("test").textContent = test.toFixed(3);
  element("accuracy").textContent = `${(100 * accuracy).toFixed(1)} %`;
}

/** The gradient noise scale, with a sign where no more of it can be seen. */
export function showScale({ scale, most }: { scale?: number; most: number }): void {
  if (scale === undefined) return;
  const digits = scale.toFixed(scale < 10 ? 1 : 0);
  element("scale").textContent = scale < most ? digits : `≥ ${digits}`;
}

export function showSpeed(stepsPerSecond: number): void {
  element("speed").textContent = stepsPerSecond.toFixed(0);
}

/** Forgets what belonged to the run before. */
export function clearNumbers(): void {
  for (const id of ["step", "train", "test", "accuracy", "scale", "speed"]) {
    element(id).textContent = "–";
  }
}

export function showStatus(text: string, failed = false): void {
  const status = element("status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

/** Says which line is which. */
export function showLegend(runs: readonly Run[]): void {
  const key = (method: string, text: string, dashed = false) => {
    const span = document.createElement("span");
    span.className = dashed ? "key line dashed" : "key line";
    span.style.setProperty("--of", color(method));
    span.textContent = text;
    return span;
  };
  const { method, label } = runs.at(-1)!;
  const before = new Map(runs.map((run) => [run.method, run.label]));
  before.delete(method);
  element("legend").replaceChildren(
    key(method, `${label}: test`),
    key(method, `${label}: train`, true),
    ...[...before].map(([method, label]) => key(method, `${label}: test, before`)),
  );
}

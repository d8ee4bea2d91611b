/**
 * A colour and a dash pattern for each method: one hue for each purpose, so that a chart of a dozen
 * lines still says which of them use curvature, the signal or both.
 *
 * Hues are those that colour-blind people tell apart (Okabe and Ito); lightness and dashes tell the
 * methods of one purpose apart. Colours are variables of the page, which has them for light and dark.
 *
 * @module
 */
import { type Method, methods, type Mode } from "../methods.ts";

/** Hue and chroma in OKLCH. */
const hues: Readonly<Record<Mode, string>> = {
  none: "0.11 255",
  curvature: "0.13 62",
  snr: "0.12 162",
  combined: "0.17 350",
};

const dashPatterns: readonly (readonly number[])[] = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4]];

/** Lightness, first and last; text needs 3 : 1 against either paper. */
const light = [0.46, 0.66] as const;
const dark = [0.82, 0.62] as const;

/** Methods of one purpose, oracles apart; Adam, which all are measured by, first, with a solid line. */
function siblings({ mode, oracle = false }: Method): readonly Method[] {
  return methods
    .filter((other) => other.mode === mode && (other.oracle ?? false) === oracle)
    .sort((a, b) => Number(b.name === "adam") - Number(a.name === "adam"));
}

function place(method: Method): { index: number; share: number } {
  const all = siblings(method).map(({ name }) => name);
  const index = Math.max(0, all.indexOf(method.name));
  return { index, share: all.length > 1 ? index / (all.length - 1) : 0 };
}

/** The method's colour in every chart. */
export function colourOf({ name }: Method): string {
  return `var(--m-${name})`;
}

/** The method's dashes in every chart of lines. */
export function dashOf(method: Method): readonly number[] {
  return dashPatterns[place(method).index % dashPatterns.length]!;
}

/** The variables of all methods' colours, for light or dark paper. */
export function colourVariables(scheme: "light" | "dark"): string {
  const [first, last] = scheme === "light" ? light : dark;
  return methods.map((method) => {
    const lightness = first + (last - first) * place(method).share;
    return `--m-${method.name}: oklch(${lightness.toFixed(3)} ${hues[method.mode]});`;
  }).join(" ");
}

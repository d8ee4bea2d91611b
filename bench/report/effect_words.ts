/**
 * What a comparison says, in a cell and in a sentence.
 *
 * @module
 */
import type { Comparison } from "../comparison.ts";
import { number } from "../format.ts";
import { methodNamed } from "../methods.ts";
import { comparedTitles, rivalTitle } from "./material.ts";

/** A factor as 0.62×, a difference with its sign. */
function size(value: number, scale: Comparison["scale"]): string {
  if (scale === "ratio") return value === Infinity ? "∞" : `${number(value)}×`;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = number(Math.abs(value));
  return text === "0" ? "0" : `${value < 0 ? "−" : "+"}${text}`;
}

/** Whether one of the two does not get there, so that no number says how far they are apart. */
const isEndless = ({ effect: { middle }, scale }: Comparison) =>
  !Number.isFinite(middle) || (scale === "ratio" && middle === 0);

/** What a cell says where there is no number: of the way to a target, and of losses. */
const endlessWords = {
  ratio: { both: "neither", ours: "never", theirs: "alone" },
  difference: { both: "both diverge", ours: "diverges", theirs: "alone" },
} as const;

/** The typical effect and its interval. */
export function effectWords(c: Comparison): { main: string; rest: string } {
  const { effect, scale, finding } = c;
  const words = endlessWords[scale];
  if (finding === "not reached") return { main: words.both, rest: "" };
  const [middle, low, high] = [effect.middle, effect.low, effect.high].map((v) => size(v, scale));
  const bare = (text: string) => text.replace("×", "");
  const main = !isEndless(c) ? middle! : effect.middle > 0 ? words.ours : words.theirs;
  return { main, rest: low === high ? "" : `${bare(low!)} … ${bare(high!)}` };
}

/** What is compared, and with whom. */
export function subject({ compared, rival }: Pick<Comparison, "compared" | "rival">): string {
  return compared === "finalAgainstBest"
    ? `test loss at the end, against that of ${rivalTitle(rival)} at its best moment`
    : `${comparedTitles[compared]}, against ${rivalTitle(rival)}`;
}

/** Who gets to the target, or to an end at all, where no number says how far the two are apart. */
function endless({ pairs, scale }: Comparison, rival: string): string {
  const failed = (side: "ours" | "theirs") => pairs.filter((pair) => pair[side] === null).length;
  const [ours, theirs, all] = [failed("ours"), failed("theirs"), pairs.length];
  const ratio = scale === "ratio";
  if (ours === all && theirs === all) {
    return ratio ? `neither it nor ${rival} reaches the target` : `both it and ${rival} diverge`;
  }
  if (ours === all && theirs === 0) {
    return ratio ? `does not reach the target, ${rival} does` : `diverges, ${rival} does not`;
  }
  if (ours === 0 && theirs === all) {
    return ratio ? `reaches the target, ${rival} does not` : `does not diverge, ${rival} does`;
  }
  return ratio
    ? `reaches the target on ${all - ours} of ${all} seeds, ${rival} on ${all - theirs}`
    : `diverges on ${ours} of ${all} seeds, ${rival} on ${theirs}`;
}

/** A comparison in a sentence. */
export function sentence(c: Comparison, problem: string): string {
  const { main, rest } = effectWords(c);
  const what = c.finding === "not reached" || isEndless(c)
    ? endless(c, rivalTitle(c.rival))
    : `${main}, ${subject(c)}`;
  const seeds = `${c.pairs.length} seed${c.pairs.length === 1 ? "" : "s"}`;
  // There is no target to miss where losses are compared.
  const found = c.finding === "not reached" && c.scale === "difference" ? "level" : c.finding;
  return `${methodNamed(c.method).title}: ${problem}: ${what}${rest ? ` (95 %: ${rest})` : ""}; ` +
    `${found}, ${seeds}`;
}

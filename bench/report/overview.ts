/**
 * Method × problem: better or worse than the host's tuned Adam. A table that is coloured like a
 * chart: its cells can be read, copied and searched, and keep their size on a phone.
 *
 * @module
 */
import { type Comparison, type Finding, overviewOf } from "../comparison.ts";
import { type Family, methodNamed } from "../methods.ts";
import { effectWords, sentence, subject } from "./effect_words.ts";
import { type Contest, placeOf, slug } from "./material.ts";
import { escape } from "./tables.ts";

/** Colour alone says nothing to many. */
export const symbols: Readonly<Record<Finding, string>> = {
  better: "▲",
  worse: "▼",
  "no difference": "○",
  "not reached": "–",
};

/** What is for use comes first. */
const familyTitles: readonly (readonly [Family, title: string])[] = [
  ["ours", "precond"],
  ["host", "the host's"],
  ["published", "published"],
  ["pieces", "one piece at a time"],
  ["ablation", "combined() with less, or more"],
  ["oracle", "told the truth"],
];

const classes: Readonly<Record<Finding, string>> = {
  better: "better",
  worse: "worse",
  "no difference": "same",
  "not reached": "none",
};

/** How strong the colour is, of three: a factor of 1.2 and 2, or a loss of .03 and .2. */
function strength({ effect: { middle }, scale }: Comparison): number {
  const far = Math.abs(scale === "ratio" ? Math.log(middle) : middle);
  const [some, much] = scale === "ratio" ? [Math.log(1.2), Math.log(2)] : [0.03, 0.2];
  return far >= much! ? 3 : far >= some! ? 2 : 1;
}

function cell(c: Comparison | undefined, problem: string): string {
  if (!c) return `<td class="none">·</td>`;
  const { main, rest } = effectWords(c);
  const shade = c.finding === "better" || c.finding === "worse" ? ` s${strength(c)}` : "";
  const text = `<b><i>${symbols[c.finding]}</i> ${main}</b>${rest ? `<small>${rest}</small>` : ""}`;
  return `<td class="${classes[c.finding]}${shade}"><a href="#r-${slug(c)}" data-tip="${
    escape(sentence(c, problem))
  }">${text}</a></td>`;
}

/** How often a method was better, level and worse. */
function tally(comparisons: readonly Comparison[]): string {
  const count = (finding: Finding) => comparisons.filter((c) => c.finding === finding).length;
  return (["better", "no difference", "worse"] as const).map((finding) =>
    `<span class="${classes[finding]}">${symbols[finding]}${count(finding)}</span>`
  ).join(" ");
}

/** The matrix of a contest, of all methods or some; without a caption where a heading says it all. */
export function overviewTable(
  contest: Contest,
  among: (method: string) => boolean,
  captioned = true,
): string {
  const { methods, cell: at } = overviewOf(contest.comparisons.filter((c) => among(c.method)));
  if (methods.length === 0) return "";
  const several = new Set(contest.groups.map(({ selection }) => selection)).size > 1;
  const head = contest.groups.map((group) => {
    const { problem, selection } = group;
    const chosen = several ? ` data-selection="${selection}"` : "";
    return `<th scope="col"${chosen}><a href="#p-${slug(placeOf(group))}">${
      escape(problem.title)
    }</a></th>`;
  });
  const row = (name: string) => {
    const method = methodNamed(name);
    const cells = contest.groups.map((group) => at(name, placeOf(group)));
    const known = cells.filter((c) => c !== undefined);
    return `<tr><th scope="row"><span data-tip="${escape(`${method.title}: ${method.about}`)}">${
      escape(method.title)
    }</span><small>${tally(known)}</small></th>${
      cells.map((c, i) => cell(c, contest.groups[i]!.problem.title)).join("")
    }</tr>`;
  };
  const families = familyTitles.map(([family, title]) => {
    const own = methods.filter((name) => methodNamed(name).family === family);
    return { title, own };
  }).filter(({ own }) => own.length > 0);
  const bodies = families.map(({ title, own }) =>
    `<tbody>${
      families.length > 1
        ? `<tr><th class="family" scope="rowgroup">${title}</th><td colspan="${contest.groups.length}"></td></tr>`
        : ""
    }${own.map(row).join("\n")}</tbody>`
  );
  const what = subject(contest);
  const caption = captioned
    ? `<figcaption><b>${escape(contest.title)}</b>: ${escape(what)}</figcaption>`
    : "";
  return `<figure class="matrix">${caption}
<div class="scroll" tabindex="0" role="region" aria-label="${
    escape(`${contest.title}: ${what}`)
  }"><table><caption class="unseen">${
    escape(`${contest.title}: ${what}`)
  }</caption><thead><tr><th scope="col">method</th>${head.join("")}</tr></thead>${
    bodies.join("\n")
  }</table></div></figure>`;
}

/** What the symbols and colours mean. */
export const overviewKey = `<p class="keys"><span class="better s2">▲ better</span>
<span class="worse s2">▼ worse</span> <span class="same">○ no difference that the seeds can tell</span>
<span class="none">– neither reached the target</span></p>`;

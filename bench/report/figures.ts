/** @module */
import type { Method } from "../methods.ts";
import type { Group } from "../summary.ts";
import { placeOf, slug } from "./material.ts";
import type { Part } from "./page.ts";
import { colourOf, dashOf } from "./palette.ts";
import { escape } from "./tables.ts";

/** A chart with what it shows, and where its rows are. */
export function figure(svg: string, caption: string, rows: string): string {
  return `<figure>${svg}<figcaption>${escape(caption)} ${rows}</figcaption></figure>`;
}

/** A link to the rows of a group. */
export function rowsLink(group: Group, text = "Rows"): string {
  return `<a href="#r-${slug(placeOf(group))}">${escape(text)}</a>`;
}

/** Links to the rows of several groups, each by its problem's name. */
export function rowsLinks(groups: readonly Group[]): string {
  return `Rows: ${groups.map((group) => rowsLink(group, group.problem.name)).join(", ")}`;
}

/** Methods with their lines; a click brings one of them forward in the charts of the card. */
export function legend(methods: readonly Method[]): string {
  const entries = methods.map((method) => {
    const dashes = dashOf(method);
    const line = `<svg aria-hidden="true" viewBox="0 0 26 8"><path d="M0,4H26" stroke="${
      colourOf(method)
    }" stroke-width="3"${dashes[1] ? ` stroke-dasharray="${dashes}"` : ""}/></svg>`;
    const title = escape(method.title);
    return `<button type="button" aria-pressed="false" data-method="${title}" data-tip="${title}: ${
      escape(method.about)
    }">${line}${title}</button>`;
  });
  return `<div class="legend" role="group" aria-label="Bring a method forward">${
    entries.join("")
  }</div>`;
}

/** A card of a section. */
export const card = (id: string, title: string, body: string): Part => ({
  id,
  title,
  html: `<div class="card" id="${id}">${body}</div>`,
});

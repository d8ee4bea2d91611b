/** @module */
import { script } from "./script.ts";
import { style } from "./style.ts";
import { escape } from "./tables.ts";

/** A part of the page that the navigation leads to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** What follows its heading. */
  readonly body: string;
  readonly parts?: readonly Part[];
}

/** A card of a section. */
export interface Part {
  readonly id: string;
  readonly title: string;
  readonly html: string;
}

function list(sections: readonly Section[]): string {
  const link = ({ id, title }: { id: string; title: string }) =>
    `<a href="#${id}">${escape(title)}</a>`;
  return `<ul>${
    sections.map((section) =>
      `<li>${link(section)}${
        section.parts?.length
          ? `<ul>${section.parts.map((part) => `<li>${link(part)}</li>`).join("")}</ul>`
          : ""
      }</li>`
    ).join("")
  }</ul>`;
}

/** One file with everything in it. */
export function page(title: string, lead: string, sections: readonly Section[]): string {
  const body = sections.map(({ id, title, body, parts = [] }) =>
    `<section id="${id}" aria-labelledby="h-${id}"><h2 id="h-${id}">${escape(title)}</h2>${body}${
      parts.map(({ html }) => html).join("\n")
    }</section>`
  ).join("\n");
  const links = list(sections);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>precond: benchmark</title>
<style>${style}</style></head><body><a class="skip" href="#overview">Skip to the results</a>
<div class="page"><nav class="side" aria-label="Contents">${links}</nav>
<nav class="top" aria-label="Contents"><details><summary>Contents</summary>${links}</details></nav>
<main><h1>${escape(title)}</h1>${lead}
${body}</main></div><div id="tip" role="status" hidden></div><script>${script}</script></body></html>
`;
}

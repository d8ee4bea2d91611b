/** The reference as pages of the site, one for each thing that can be imported. */
import { articleOf, type Entry, escaped, pageOf, titleOf } from "../guide/article.ts";

const index = "README.md";
const introduction =
  "What each package exports, from the comments in its code: what it does, what " +
  "it takes, and the default of every option. The guide says how it is used.";

/** TypeDoc's file "@precond.core.pieces.md" is the page core.pieces.html. */
const nameOf = (file: string) =>
  file === index
    ? "index.html"
    : file.replace(/^@precond\./, "").replace(".Namespace.", ".").replace(/\.md$/, ".html");

const linkOf = (target: string) => {
  const [file = "", anchor] = target.split("#");
  return (file.endsWith(".md") ? nameOf(file) : file) + (anchor === undefined ? "" : `#${anchor}`);
};

/** Names what a module has from another in one list, instead of a section for each. */
function gathered(text: string): string {
  const links: string[] = [];
  const rest = text.replace(
    /^<a id="[^"]+"><\/a>\n\n## .+\n\n(?:Renames and re|Re)-exports (\[.+\]\(.+\))\n(?:\n\*\*\*\n)?/gm,
    (_, link: string) => (links.push(link), ""),
  );
  if (links.length === 0) return rest;
  return `${rest.trimEnd()}\n\n## From elsewhere\n\n${links.join(", ")}\n`;
}

/** The anchor of what a page explains, by its name; the last where a type and a value share it. */
function anchorsOf(text: string): Map<string, string> {
  const found = text.matchAll(/^<a id="([^"]+)"><\/a>\n\n## (\S+)$/gm);
  return new Map([...found].map(([, anchor, name]) => [name!, anchor!]));
}

/** Links to all that a page explains. */
function contents(text: string): string {
  const links = [...anchorsOf(text)].map(([name, anchor]) =>
    `<a href="#${anchor}">${escaped(name)}</a>`
  );
  return links.length < 6 ? "" : `<p class="contents">${links.join(" ")}</p>`;
}

/** Where each export is explained, from a page in the folder beside; what two packages name alike is left out. */
export function addresses(texts: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string[]>();
  for (const [file, text] of texts) {
    if (file === index) continue;
    for (const [heading, anchor] of anchorsOf(gathered(text))) {
      const name = heading.replace(/\(\)$/, "");
      found.set(name, [...found.get(name) ?? [], `../api/${nameOf(file)}#${anchor}`]);
    }
  }
  return new Map(
    [...found].filter(([, list]) => list.length === 1).map(([name, [one]]) => [name, one!]),
  );
}

/** Every page's file name and HTML, from TypeDoc's texts by file name. */
export function referencePages(texts: ReadonlyMap<string, string>): Map<string, string> {
  const first = `# Reference\n\n${introduction}\n\n${texts.get(index)!.replace(/^# .*\n/, "")}`;
  const all = new Map([...texts].map(([file, text]) => [file, gathered(text)] as const))
    .set(index, first);
  const modules = [...first.matchAll(/\[(.+?)\]\((.+?\.md)\)/g)];
  const entries: Entry[] = modules.map(([, title, file]) => ({
    title: title!.replaceAll("\\", ""),
    href: nameOf(file!),
  }));
  return new Map([...all].map(([file, text]) => {
    const article = articleOf(text, { link: linkOf, anchored: true });
    return [
      nameOf(file),
      pageOf({
        title: titleOf(text),
        article: article.replace('<p><a id="', (first) => contents(text) + first),
        current: nameOf(file),
        parts: "Reference",
        entries,
      }),
    ];
  }));
}

/** The guide, docs/*.md, as pages of the site. */
import { posix } from "node:path";
import { articleOf, type Entry, pageOf, titleOf } from "./article.ts";

/** Where files that are no pages of the site are read. */
const elsewhere = "https://github.com/precond/precond/blob/main/";
const index = "README.md";

/** The page that a file of docs/ becomes. */
const nameOf = (file: string) => file === index ? "index.html" : file.replace(/\.md$/, ".html");

/** Where a link of a file of docs/ leads on the site. */
export function linkOf(target: string, files: ReadonlySet<string>): string {
  if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith("#")) return target;
  const [path = "", anchor] = target.split("#");
  const end = anchor === undefined ? "" : `#${anchor}`;
  if (files.has(path)) return nameOf(path) + end;
  return elsewhere + posix.join("docs", path) + end;
}

/** The links to all pages, in the order in which the guide's first page names them. */
function navigation(texts: ReadonlyMap<string, string>): Entry[] {
  const order = [...texts.get(index)!.matchAll(/\]\((\w+\.md)/g)].map((match) => match[1]!);
  const files = new Set([index, ...order.filter((file) => texts.has(file)), ...texts.keys()]);
  return [...files].map((file) => ({ title: titleOf(texts.get(file)!), href: nameOf(file) }));
}

/**
 * Every page's file name and HTML, from the texts of docs/ by file name.
 *
 * @param names The address in the reference of what is exported, by name.
 */
export function guidePages(
  texts: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const files = new Set(texts.keys());
  const entries = navigation(texts);
  const links = {
    link: (target: string) => linkOf(target, files),
    code(code: string) {
      // A call, or a type: signalSgd(), Trainer.
      const [, call, type] = /^(\w+)\([^]*\)$|^([A-Z]\w+)$/.exec(code) ?? [];
      return names.get(call ?? type ?? "");
    },
  };
  return new Map([...texts].map(([file, text]) => [
    nameOf(file),
    pageOf({
      title: titleOf(text),
      article: articleOf(text, links),
      current: nameOf(file),
      parts: "Guide",
      entries,
    }),
  ]));
}

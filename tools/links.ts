/** Finds links in Markdown that lead to no file of the repository, or to no heading of a page. */
import { posix } from "node:path";

/** Pages by path from the repository's root, and whether a path is a file or a folder of it. */
export interface Pages {
  readonly texts: ReadonlyMap<string, string>;
  exists(path: string): boolean;
}

/** Where the repository's files are on the web; package READMEs, which npm shows, link there. */
const WEB = /^https:\/\/github\.com\/precond\/precond\/(?:blob|tree)\/main\/([^#]*)(#.*)?$/;

/** Lists the links to nowhere, as sentences. Other links to the web are not followed. */
export function linkFaults({ texts, exists }: Pages): string[] {
  const faults: string[] = [];
  for (const [page, text] of texts) {
    for (const target of targetsOf(text)) {
      const found = locate(page, target);
      if (!found) continue;
      const [path, anchor] = found;
      const heading = texts.get(path);
      if (!exists(path)) faults.push(`${page} links to ${target}: there is no ${path}`);
      else if (anchor && !(heading !== undefined && anchorsOf(heading).has(anchor))) {
        faults.push(`${page} links to ${target}: ${path} has no heading "${anchor}"`);
      }
    }
  }
  return faults;
}

/** The path and the anchor of a link within the repository; undefined for any other. */
function locate(page: string, target: string): [path: string, anchor: string] | undefined {
  const web = WEB.exec(target);
  if (web) return [web[1]!.replace(/\/$/, "") || ".", (web[2] ?? "").slice(1)];
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor = ""] = target.split("#");
  if (path === "") return [page, anchor];
  return [posix.join(posix.dirname(page), decodeURI(path)).replace(/\/$/, ""), anchor];
}

/** What `[text](target)`, `![text](target)` and `[name]: target` point to. */
export function targetsOf(text: string): string[] {
  const inline = [...prose(text).matchAll(/\]\(\s*<?([^\s()<>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const named = [...prose(text).matchAll(/^\[[^\]]+\]:\s+<?([^\s<>]+)>?/gm)];
  return [...inline, ...named].map((match) => match[1]!);
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading!.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = words.toLowerCase().replace(/[^\p{L}\p{M}\p{Nd}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

const withoutFences = (text: string) => text.replace(/^ *(```+|~~~+)[^]*?^ *\1.*$/gm, "");

/** The page without code, in which brackets are no links. */
const prose = (text: string) => withoutFences(text).replace(/(`+)[^`][^]*?\1/g, "``");

import { posix } from "node:path";

/**
 * Lists links of built pages that lead to no page, or to no heading of one, as sentences. Links to
 * other sites are not followed.
 *
 * @param pages HTML by path from the site's root.
 * @returns The faults, and how many links were followed.
 */
export function brokenLinks(
  pages: ReadonlyMap<string, string>,
): { readonly faults: readonly string[]; readonly followed: number } {
  const anchors = new Map([...pages].map(([path, html]) => [
    path,
    new Set([...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]!)),
  ]));
  const faults: string[] = [];
  let followed = 0;
  for (const [path, html] of pages) {
    for (const [, target] of html.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file = "", anchor] = target!.split("#");
      const found = file === ""
        ? path
        : posix.join(posix.dirname(path), file).replace(/^\.?\/?$|\/$/, (end) => `${end}index.html`)
          .replace(/^\.?\//, "");
      followed++;
      if (!anchors.has(found)) faults.push(`${path} links to ${target}: there is no ${found}`);
      else if (anchor && !anchors.get(found)!.has(decodeURI(anchor))) {
        faults.push(`${path} links to ${target}: ${found} has no such heading`);
      }
    }
  }
  return { faults, followed };
}

/** Markdown as articles, and the frame that all pages but the playground share. */
import { Marked, type Token, type Tokens } from "marked";
import { anchorsOf } from "../../tools/links.ts";

/** Text as HTML has it. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Where links of an article lead. */
export interface Links {
  /** The address of a link's target. */
  link(target: string): string;
  /** The address of what a piece of code in the text names, if it has one. */
  code?(code: string): string | undefined;
  /** Whether the text itself has an anchor before each heading. */
  readonly anchored?: boolean;
}

/** An HTML text of Markdown, whose headings get the anchors that GitHub gives them. */
export function articleOf(
  text: string,
  { link, code = () => undefined, anchored = false }: Links,
): string {
  const anchors = anchorsOf(text).values();
  const linked = new WeakSet<Token>(); // code that leads nowhere by itself
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const id = anchored ? "" : ` id="${anchors.next().value}"`;
        return `<h${depth}${id}>${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      codespan(token: Tokens.Codespan) {
        const shown = `<code>${escaped(token.text)}</code>`;
        const address = linked.has(token) ? undefined : code(token.text);
        return address ? `<a href="${address}">${shown}</a>` : shown;
      },
    },
    walkTokens(token) {
      if (token.type === "link") token.href = link(token.href);
      if (token.type === "link" || token.type === "heading") {
        for (const inner of token.tokens ?? []) linked.add(inner);
      }
    },
  });
  // Wide tables and code scroll by themselves; by keyboard, too.
  return (marked.parse(text, { async: false }))
    .replaceAll("<table>", '<div class="wide" tabindex="0"><table>')
    .replaceAll("</table>", "</table></div>")
    .replaceAll("<pre>", '<pre tabindex="0">');
}

/** The first heading, as text. */
export const titleOf = (text: string): string =>
  /^# (.+)$/m.exec(text)![1]!.replaceAll(/[`\\]/g, "");

/** A link of a page's navigation. */
export interface Entry {
  readonly title: string;
  readonly href: string;
}

/** A page one folder below the site's root. */
export function pageOf({ title, article, current, parts, entries }: {
  readonly title: string;
  readonly article: string;
  /** The page's own file name. */
  readonly current: string;
  /** What the navigation is of: "Guide". */
  readonly parts: string;
  readonly entries: readonly Entry[];
}): string {
  const items = entries.map(({ title, href }) => {
    const here = href === current ? ' aria-current="page"' : "";
    return `<li><a href="${href}"${here}>${escaped(title)}</a></li>`;
  });
  const areas: readonly (readonly [string, string])[] = [
    ["../", "Playground"],
    ["../docs/index.html", "Guide"],
    ["../api/index.html", "Reference"],
  ];
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escaped(title)}: precond</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="../site.css">
  </head>
  <body class="guide">
    <nav aria-label="${parts}">
      <p>${areas.map(([href, name]) => `<a href="${href}">${name}</a>`).join(" · ")}</p>
      <ul>${items.join("")}</ul>
    </nav>
    <main><article>${article}</article></main>
  </body>
</html>
`;
}

/** The guide, docs/*.md, as pages of the site. */
import { Marked, type Tokens } from "marked";
import { posix } from "node:path";
import { anchorsOf } from "../../tools/links.ts";

/** Where files that are no pages of the site are read. */
const elsewhere = "https://github.com/precond/precond/blob/main/";
const index = "README.md";

/** The page that a file of docs/ becomes. */
const pageOf = (file: string) => file === index ? "index.html" : file.replace(/\.md$/, ".html");

/** Where a link of a file of docs/ leads on the site. */
export function linkOf(target: string, files: ReadonlySet<string>): string {
  if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith("#")) return target;
  const [path = "", anchor] = target.split("#");
  const end = anchor === undefined ? "" : `#${anchor}`;
  if (files.has(path)) return pageOf(path) + end;
  return elsewhere + posix.join("docs", path) + end;
}

/** An HTML text of Markdown whose headings have the anchors that GitHub gives them. */
function articleOf(text: string, files: ReadonlySet<string>): string {
  const anchors = anchorsOf(text).values();
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const { value } = anchors.next();
        return `<h${depth} id="${value}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
    walkTokens(token) {
      if (token.type === "link") token.href = linkOf(token.href, files);
    },
  });
  // Wide tables and code scroll by themselves; by keyboard, too.
  return (marked.parse(text, { async: false }))
    .replaceAll("<table>", '<div class="wide" tabindex="0"><table>')
    .replaceAll("</table>", "</table></div>")
    .replaceAll("<pre>", '<pre tabindex="0">');
}

const titleOf = (text: string) => /^# (.+)$/m.exec(text)![1]!.replaceAll("`", "");

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** The links to all pages, in the order in which the guide's first page names them. */
function navigation(texts: ReadonlyMap<string, string>, current: string): string {
  const order = [...texts.get(index)!.matchAll(/\]\((\w+\.md)/g)].map((match) => match[1]!);
  const files = new Set([index, ...order.filter((file) => texts.has(file)), ...texts.keys()]);
  const items = [...files].map((file) => {
    const here = file === current ? ' aria-current="page"' : "";
    return `<li><a href="${pageOf(file)}"${here}>${escaped(titleOf(texts.get(file)!))}</a></li>`;
  });
  return `<p><a href="../">Playground</a></p><ul>${items.join("")}</ul>`;
}

/** Every page's file name and HTML, from the texts of docs/ by file name. */
export function guidePages(texts: ReadonlyMap<string, string>): Map<string, string> {
  const files = new Set(texts.keys());
  return new Map([...texts].map(([file, text]) => [
    pageOf(file),
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escaped(titleOf(text))}: precond</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="../site.css">
  </head>
  <body class="guide">
    <nav aria-label="Guide">${navigation(texts, file)}</nav>
    <main><article>${articleOf(text, files)}</article></main>
  </body>
</html>
`,
  ]));
}

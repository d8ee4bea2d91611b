/**
 * Every option of the public packages with its default, from the docstrings: docs/options.md, by
 * `deno task options:write`. `options_test.ts` finds the page out of date, and options that do not say
 * their default.
 *
 * @module
 */
import { join } from "node:path";
import { publicPackages } from "./_packages.ts";
import { capture, root } from "./_run.ts";

/** What is read of `deno doc --json`. */
interface Property {
  readonly name: string;
  readonly optional: boolean;
  readonly jsDoc?: { readonly doc?: string };
}
interface Declaration {
  readonly kind: string;
  readonly declarationKind: string;
  readonly jsDoc?: { readonly doc?: string };
  readonly def: {
    readonly properties?: readonly Property[];
    readonly extends?: readonly { readonly repr: string }[];
    readonly params?: readonly unknown[];
  };
}

/** An option of a call. */
export interface Option {
  readonly name: string;
  readonly optional: boolean;
  /** Its docstring's first paragraph, in one line. */
  readonly text: string;
}

/** What a function takes as options. */
export interface Options {
  readonly interface: string;
  /** Functions whose parameter it is, or the interface's own name. */
  readonly title: string;
  readonly options: readonly Option[];
}

/** What an option of many functions says, and what stands there instead. */
const EACH = "Each alias says its default.";

const oneLine = (doc = "") =>
  doc.split("\n\n")[0]!.replace(/\{@linkcode (\S+?)\}/g, "`$1`").replace(/\s+/g, " ").trim();

/** What the functions that a module exports take, in the order of their names. */
export function optionsOf(json: string): Options[] {
  const { nodes } = JSON.parse(json) as {
    nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
  };
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
  const all = symbols.flatMap(({ name, declarations }) =>
    declarations.filter((d) => d.declarationKind === "export").map((d) => ({ name, ...d }))
  );
  const interfaces = new Map(
    all.filter(({ kind }) => kind === "interface").map((d) => [d.name, d] as const),
  );
  const members = (name: string): readonly Property[] => {
    const { extends: bases = [], properties = [] } = interfaces.get(name)?.def ?? {};
    const own = new Set(properties.map((p) => p.name));
    const inherited = bases.flatMap(({ repr }) => members(repr)).filter((p) => !own.has(p.name));
    return [...properties, ...inherited];
  };
  const result: Options[] = [];
  const bases = new Set(
    [...interfaces.values()].flatMap(({ def }) => (def.extends ?? []).map(({ repr }) => repr)),
  );
  for (const name of [...interfaces.keys()].filter((name) => name.endsWith("Options"))) {
    // Those whose parameter is of this type, itself or with a default.
    const reads = new RegExp(`"repr":"${name}"`);
    const functions = all.filter(({ kind, def }) =>
      kind === "function" && reads.test(JSON.stringify(def.params))
    );
    const groups = functions.length === 0 && !bases.has(name) ? [undefined] : functions;
    for (const one of groups) {
      const rate = /Default η ([\d.]*\d(?:, reached in \d+ steps)?)/.exec(one?.jsDoc?.doc ?? "")
        ?.[1];
      result.push({
        interface: name,
        title: one ? `${one.name}()` : name,
        options: members(name).map(({ name, optional, jsDoc }) => {
          const text = oneLine(jsDoc?.doc);
          if (!rate || name !== "learningRate") return { name, optional, text };
          return { name, optional, text: text.replace(EACH, `Default ${rate}.`) };
        }),
      });
    }
  }
  return inOrder(result);
}

/** Each once, in the order of their titles. */
function inOrder(options: readonly Options[]): Options[] {
  const all = new Map(options.map((one) => [`${one.title} ${one.interface}`, one]));
  return [...all.values()].sort((a, b) => a.title < b.title ? -1 : 1);
}

/** The options of each public package's main entry. */
export async function allOptions(): Promise<[name: string, options: Options[]][]> {
  const result: [string, Options[]][] = [];
  for (const { npm, deno, directory } of publicPackages(root)) {
    const entries = deno!.exports as Record<string, string>;
    // Pieces are the superset of the root's, but for what steps them.
    const files = [entries["."]!, ...(entries["./pieces"] ? [entries["./pieces"]!] : [])];
    const found = await Promise.all(
      files.map(async (file) =>
        optionsOf(await capture(Deno.execPath(), ["doc", "--json", join(root, directory, file)]))
      ),
    );
    const before = new Set(result.flatMap(([, list]) => list.map(({ title }) => title)));
    const list = inOrder(found.flat()).filter(({ title }) => !before.has(title));
    // A type alone says nothing that the function which takes it does not.
    const taken = new Set(
      list.filter(({ title }) => title.endsWith("()")).map((one) => one.interface),
    );
    result.push([
      npm.name!,
      list.filter((one) => one.title.endsWith("()") || !taken.has(one.interface)),
    ]);
  }
  return result;
}

/** Options that may be left out and do not say what happens then. */
export function withoutDefault(options: readonly Options[]): string[] {
  return options.flatMap(({ interface: from, options }) =>
    options.filter(({ optional, text }) => optional && !/default/i.test(text))
      .map(({ name }) => `${from}.${name}`)
  );
}

/** docs/options.md, not yet set as `deno fmt` does. */
export function optionsPage(all: readonly (readonly [string, readonly Options[]])[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const table = ({ title, options }: Options) =>
    [
      `### \`${title}\``,
      "",
      "| option | what it is |",
      "| - | - |",
      ...options.map(({ name, text, optional }) =>
        `| \`${name}\`${optional ? "" : " (required)"} | ${cell(text)} |`
      ),
    ].join("\n");
  return [
    "<!-- Made by `deno task options:write`. -->",
    "# Options and their defaults",
    "Every option of every function of the packages' main entries, and of `@precond/core/pieces`. What " +
    "a function does, and its source, is in its doc comment, which editors and the reference show.",
    ...all.filter(([, options]) => options.length > 0).flatMap(([name, options]) => [
      `## ${name}`,
      ...options.map(table),
    ]),
    "",
  ].join("\n\n");
}

/** Where the page is. */
export const page: string = join(root, "docs/options.md");

if (import.meta.main) await Deno.writeTextFile(page, optionsPage(await allOptions()));

/** Finds code in Markdown that no test runs, and commands that do not exist. */
import { type Block, blocksOf } from "@precond/testing/node";

/** What a page's code is held against. */
export interface Snippets {
  /** Pages by path from the repository's root. */
  readonly texts: ReadonlyMap<string, string>;
  /** The sources of all tests. */
  readonly tests: readonly string[];
  /** Whether `deno test --doc` runs a page's TypeScript. */
  docTested(page: string): boolean;
}

/** What runs nowhere here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  py: "it needs PyTorch, which the tests do without",
  text: "it is a formula",
};

/** Page and beginning of the code that a test takes by `snippet(page, start)`. */
function taken(tests: readonly string[]): [page: string, start: string][] {
  const call = /\bsnippet\(\s*"([^"]+)",\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'),?\s*\)/g;
  return tests.flatMap((text) =>
    [...text.matchAll(call)].map(([, page, start]) => [page!, valueOf(start!)] as [string, string])
  );
}

/** The value of a string literal. */
const valueOf = (literal: string): string =>
  literal.startsWith('"')
    ? JSON.parse(literal)
    : JSON.parse(`"${literal.slice(1, -1).replaceAll('"', '\\"')}"`);

/** Lists blocks of code that no test runs, as sentences. */
export function snippetFaults({ texts, tests, docTested }: Snippets): string[] {
  const calls = taken(tests);
  const isRun = (page: string, { info, code }: Block) =>
    info === "sh" || info in NOT_RUN || (info === "ts" && docTested(page)) ||
    calls.some(([of, start]) => of === page && code.startsWith(start));
  return [...texts].flatMap(([page, text]) =>
    blocksOf(text).filter((block) => !isRun(page, block)).map(({ line, info }) =>
      `${page}:${line}: no test runs this ${info || "block"}; take it by snippet() in one`
    )
  );
}

/** What commands can name. */
export interface Known {
  /** Scripts of the root package.json, and tasks of deno.json. */
  readonly npm: readonly string[];
  readonly deno: readonly string[];
  /** Names in any package.json, tarballs of `npm run pack`. */
  readonly packages: readonly string[];
  readonly examples: readonly string[];
  exists(path: string): boolean;
  /** Whether a program in a folder has an option, as "--full". */
  hasOption(program: string, option: string): boolean;
}

/** The commands of a block for the shell, as words. */
const commandsOf = (code: string): string[][] =>
  code.replace(/\\\n/g, " ").replace(/^#.*|\s#.*/gm, "").split(/\n|&&/)
    .map((line) => line.trim().split(/\s+/)).filter(([first]) => first);

/** Lists what the commands of pages name and is not there, as sentences. */
export function commandFaults(texts: ReadonlyMap<string, string>, known: Known): string[] {
  return [...texts].flatMap(([page, text]) =>
    blocksOf(text).filter(({ info }) => info === "sh").flatMap(({ line, code }) =>
      commandsOf(code).flatMap((words) => {
        const what = unknown(words, known);
        return what ? [`${page}:${line}: ${words.join(" ")}: ${what}`] : [];
      })
    )
  );
}

/** What is wrong with a command; undefined if nothing is. */
function unknown([program, verb, ...rest]: string[], known: Known): string | undefined {
  const options = (home: string) => {
    const missing = rest.find((word) => /^--\w/.test(word) && !known.hasOption(home, word));
    return missing && `${home} has no option ${missing}`;
  };
  switch (`${program} ${verb}`) {
    case "npm install":
    case "deno add": {
      const names = rest.filter((word) => !word.startsWith("-"))
        .map((word) => word.replace(/^npm:|^(\.\.\/)+precond\/packs\//g, ""));
      const missing = names.find((name) => !known.packages.includes(name));
      return missing && `there is no package ${missing}`;
    }
    case "npm run": {
      if (!known.npm.includes(rest[0]!)) return `there is no script ${rest[0]}`;
      if (rest[0] !== "example") return undefined;
      if (!known.examples.includes(rest[1]!)) return `there is no example ${rest[1]}`;
      return options(`examples/${rest[1]}`);
    }
    case "deno task":
      return known.deno.includes(rest[0]!) ? undefined : `there is no task ${rest[0]}`;
    case "deno run": {
      const file = rest[1]!;
      if (!known.exists(file)) return `there is no ${file}`;
      return options(file.split("/")[0]!);
    }
    case "npx @precond/onnx":
      if (!known.exists(`packages/onnx/cli/${rest[0]}.ts`)) return `there is no ${rest[0]}`;
      return options("packages/onnx/cli");
    default:
      return /^(git|cd|npm init|npm pkg|redis-server)/.test(`${program} ${verb}`)
        ? undefined
        : "nothing is known of it";
  }
}

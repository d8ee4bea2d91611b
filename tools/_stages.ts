import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { publicPackages, readPackages } from "./_packages.ts";
import { bin, npmProgram, root, run } from "./_run.ts";
import { runTests } from "./_run_tests.ts";
import { type Tally, tally } from "./_tally.ts";

/** What a stage came to; one without tests has no tally. */
export interface Outcome {
  readonly code: number;
  readonly tally?: Tally;
}

/** A step of a task; the arguments are those the task was called with. */
export type Stage = (args: readonly string[]) => Promise<Outcome>;

const PACK_TEST = "tools/pack_test.ts";
const BROWSER_TESTS = [
  "packages/**/browser_test.ts",
  "packages/**/*_browser_test.ts",
  "packages/**/node_test.ts",
  "packages/**/*_node_test.ts",
  "examples/**/browser_test.ts",
  "bench/**/browser_test.ts",
  "site/**/browser_test.ts",
  "site/**/*_browser_test.ts",
];

/** Those of more than a minute, the longest first: one that began last would keep one core waiting. */
const LONG_TESTS = [
  "packages/tfjs/second_order/scenarios/operations_browser_test.ts",
  "packages/tfjs/scenarios/training_browser_test.ts",
  "site/browser_test.ts",
  "packages/tfjs/scenarios/webgl_browser_test.ts",
  "examples/tfjs-browser/browser_test.ts",
  "packages/onnxruntime/scenarios/training_browser_test.ts",
];

/** `--ignore` takes the place of deno.json's `exclude`, so that it has to repeat it. */
function ignore(...patterns: string[]): string {
  return `--ignore=${["**/dist", "bench/out", ...patterns].join(",")}`;
}

/** A subcommand of the Deno that runs this. */
export function deno(...command: string[]): Stage {
  return async (args) => ({ code: await run(Deno.execPath(), [...command, ...args]) });
}

export const build: Stage = async (args) => {
  for (const { directory } of publicPackages(root)) {
    for (const output of ["dist", ".tsbuildinfo"]) {
      // tsc leaves behind the output of sources that are gone.
      rmSync(join(root, directory, output), { recursive: true, force: true });
    }
  }
  return { code: await run(bin("tsc"), ["-b", ...args]) };
};

/** Builds the public packages and packs them into packs/, as npm would publish them. */
export const pack: Stage = async () => {
  const { code } = await build([]);
  if (code !== 0) return { code };
  mkdirSync(join(root, "packs"), { recursive: true });
  const names = publicPackages(root).flatMap(({ npm }) => ["-w", npm.name!]);
  return {
    code: await run(npmProgram("npm"), [
      "pack",
      "--loglevel",
      "warn",
      "--pack-destination",
      "packs",
      ...names,
    ]),
  };
};

/** Runs an example by its folder's name: its page's server, or its program. */
export const example: Stage = async ([name, ...args]) => {
  const folder = join(root, "examples");
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
  if (!names.includes(name ?? "")) {
    console.error(`Cannot run the example "${name ?? ""}": the examples are ${names.join(", ")}`);
    return { code: 1 };
  }
  const program = ["serve.ts", "main.ts"].map((file) => join(folder, name!, file)).find(existsSync);
  return { code: await run(Deno.execPath(), ["run", "-A", program!, ...args]) };
};

/**
 * Every test without installed packages and browsers; paths among the arguments narrow it. `ok` and
 * `test` check the types of all tests in a stage of its own.
 */
export const testUnit: Stage = (args) => {
  const members = readPackages(root).map((p) => p.directory);
  return test(
    ["--no-check", "--parallel", ignore(PACK_TEST, ...BROWSER_TESTS)],
    // Those of tools/ wait more than they compute: at the end they would keep both cores waiting.
    withPaths(args, ["tools", ...members]),
  );
};

/** The examples in the public packages' doc comments, in every README and in docs/. */
export const testDoc: Stage = (args) => {
  const members = publicPackages(root).map((p) => p.directory);
  const paths = [...members, "README.md", "docs"].filter((path) => existsSync(join(root, path)));
  return test(["--doc", "--parallel", ignore("**/*_test.ts")], withPaths(args, paths));
};

/**
 * The tests that run what is built, in Chromium and in Node.js; as many at once as there are cores,
 * since a page and the process of its GPU wait for each other.
 */
export const testBrowser: Stage = (args) =>
  test(["--no-check", "--parallel"], withPaths(args, [...LONG_TESTS, ...BROWSER_TESTS]));

/** Needs what `build` makes. */
export const testPack: Stage = (args) => test(["--no-check"], [...args, PACK_TEST]);

/** Both: packing waits for npm while pages compute. Needs what `build` makes. */
export const testBuilt: Stage = (args) =>
  test(["--no-check", "--parallel"], [...args, ...LONG_TESTS, PACK_TEST, ...BROWSER_TESTS]);

function withPaths(args: readonly string[], paths: readonly string[]): string[] {
  return args.some((arg) => existsSync(join(root, arg))) ? [...args] : [...args, ...paths];
}

async function test(options: readonly string[], args: readonly string[]): Promise<Outcome> {
  const report = await Deno.makeTempFile({ prefix: "precond-", suffix: ".xml" });
  try {
    const command = ["test", "-A", `--junit-path=${report}`, ...options, ...args];
    const code = await runTests(Deno.execPath(), command);
    return { code, tally: tally(await Deno.readTextFile(report), code) };
  } finally {
    await Deno.remove(report);
  }
}

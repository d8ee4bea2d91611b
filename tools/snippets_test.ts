import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, publicPackages, readJson, readPackages } from "./_packages.ts";
import { filesIn, pages, textOf } from "./_pages.ts";
import { root } from "./_run.ts";
import { commandFaults, type Known, snippetFaults } from "./snippets.ts";

const docTested = (page: string) =>
  /^(README\.md|docs\/)/.test(page) ||
  publicPackages(root).some(({ directory }) => page.startsWith(`${directory}/`));

Deno.test("every block of code in every page is run by a test", () => {
  const tests = filesIn(".").filter((path) => path.endsWith("_test.ts")).map(textOf);
  assert.deepEqual(snippetFaults({ texts: pages(), tests, docTested }), []);
});

Deno.test("every command in every page exists, with its options, scripts and packages", () => {
  const members = readPackages(root);
  const manifests = [readJson<Manifest>(join(root, "package.json")), ...members.map((p) => p.npm)];
  const tarballs = members.map(({ npm }) =>
    `${npm.name!.replace("@", "").replace("/", "-")}-${npm.version}.tgz`
  );
  const sources = new Map<string, string>();
  const known: Known = {
    npm: Object.keys(manifests[0]!.scripts!),
    deno: Object.keys(readJson<{ tasks: object }>(join(root, "deno.json")).tasks),
    packages: [
      ...members.map(({ npm }) => npm.name!),
      ...tarballs,
      "@tensorflow/tfjs", // of which the tests install the parts
      ...manifests.flatMap((m) => Object.keys({ ...m.dependencies, ...m.devDependencies })),
    ],
    examples: filesIn("examples").map((path) => path.split("/")[1]!),
    exists: (path) => existsSync(join(root, path)),
    hasOption(program, option) {
      if (!sources.has(program)) {
        const files = filesIn(program).filter((path) => /(?<!_test)\.ts$/.test(path));
        sources.set(program, files.map(textOf).join("\n"));
      }
      // As commander has it, "--no-x <value>", or parseArgs, "x: {" or `"no-x": {`.
      const name = option.slice(2);
      return new RegExp(`--${name}[ "]|[\\s"]${name}"?: \\{`).test(sources.get(program)!);
    },
  };
  assert.deepEqual(commandFaults(pages(), known), []);
});

const page = (info: string, code: string) =>
  new Map([["docs/a.md", `\`\`\`${info}\n${code}\n\`\`\`\n`]]);

Deno.test("snippetFaults() names a block that no test takes", () => {
  const of = (info: string, tests: string[], tested = true) =>
    snippetFaults({ texts: page(info, "let a = 1;"), tests, docTested: () => tested });
  assert.deepEqual(of("ts", []), []);
  assert.deepEqual(of("py", []), []);
  const fault = (info: string) => [
    `docs/a.md:1: no test runs this ${info}; take it by snippet() in one`,
  ];
  assert.deepEqual(of("ts", [], false), fault("ts"));
  for (const info of ["ts ignore", "html", "js"]) {
    assert.deepEqual(of(info, []), fault(info));
    assert.deepEqual(of(info, ['snippet("docs/a.md", "let b")']), fault(info));
    assert.deepEqual(of(info, ['snippet("docs/a.md", "let a")']), []);
    assert.deepEqual(of(info, ["snippet(\n  \"docs/a.md\",\n  'let a =',\n)"]), []);
  }
});

Deno.test("commandFaults() names what a command has and is not there", () => {
  const known: Known = {
    npm: ["example"],
    deno: ["site"],
    packages: ["a", "precond-a-1.tgz"],
    examples: ["core"],
    exists: (path) => path === "bench/main.ts",
    hasOption: (program, option) => program === "bench" && option === "--full",
  };
  const of = (code: string) => commandFaults(page("sh", code), known);
  const right = [
    "git clone x && npm install a ../precond/packs/precond-a-1.tgz --save # b",
    "npm run example core",
    "deno task site",
    "deno run -A bench/main.ts \\\n  --full",
    "deno add npm:a",
  ];
  for (const code of right) assert.deepEqual(of(code), [], code);
  const wrong: Record<string, string> = {
    "npm install a b": "there is no package b",
    "npm run tests": "there is no script tests",
    "npm run example cores": "there is no example cores",
    "deno task sites": "there is no task sites",
    "deno run -A bench/mains.ts": "there is no bench/mains.ts",
    "deno run -A bench/main.ts --fast": "bench has no option --fast",
    "make all": "nothing is known of it",
  };
  for (const [code, what] of Object.entries(wrong)) {
    assert.deepEqual(of(code), [`docs/a.md:1: ${code}: ${what}`]);
  }
});

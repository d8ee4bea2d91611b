import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./_run.ts";
import { specifiers } from "./_sources.ts";
import { architectureFaults } from "./architecture.ts";

Deno.test("docs/ARCHITECTURE.md is true", () => {
  const page = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8");
  assert.deepEqual(architectureFaults(page, specifiers), []);
});

const page = `
| folder              | what is there              | may import |
| ------------------- | -------------------------- | ---------- |
| \`packages/p/\`      | the root                   | \`inner/\` |
| \`packages/p/inner/\` | rules, and \`deep/\` ones   | –          |
`;
const files: [file: string, imports: string[]][] = [
  ["packages/p/mod.ts", ["./inner/a.ts", "node:fs"]],
  ["packages/p/inner/a.ts", ["./deep/b.ts"]],
  ["packages/p/inner/deep/b.ts", ["../a.ts"]],
  ["packages/p/inner/a_test.ts", ["../mod.ts"]],
  ["packages/p/inner/scenarios/play.ts", ["../../mod.ts"]],
];

Deno.test("architectureFaults() is content with what the page says", () => {
  assert.deepEqual(architectureFaults(page, new Map(files)), []);
});

Deno.test("architectureFaults() names a folder that the page does not name, and the row to add", () => {
  const [fault, ...others] = architectureFaults(
    page,
    new Map([...files, ["packages/p/more/c.ts", ["../inner/a.ts", "../mod.ts"]]]),
  );
  assert.match(
    fault!,
    /does not name packages\/p\/more\/: add the row "\| `packages\/p\/more\/` \|/,
  );
  assert.deepEqual(others, []);
});

Deno.test("architectureFaults() names a folder that is gone", () => {
  const faults = architectureFaults(page, new Map(files.filter(([f]) => !f.includes("/deep/"))));
  assert.deepEqual(faults, [
    "docs/ARCHITECTURE.md names packages/p/inner/deep/, where no code is: remove it",
  ]);
});

Deno.test("architectureFaults() names an arrow that the page does not allow", () => {
  const faults = architectureFaults(
    page,
    new Map([
      ...files,
      ["packages/p/inner/c.ts", ["../mod.ts"]],
      ["packages/p/inner/d.ts", ["../mod.ts"]],
    ]),
  );
  assert.deepEqual(faults, [
    "packages/p/inner/c.ts imports packages/p/mod.ts: turn the arrow around, or add `./` to the last " +
    "column of packages/p/inner/ in docs/ARCHITECTURE.md",
  ]);
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { capture, root } from "./_run.ts";

const task = (...args: string[]) =>
  capture(Deno.execPath(), ["run", "-A", "tools/task.ts", "example", ...args]);

Deno.test("deno task example runs an example by its name", async () => {
  assert.match(await task("core"), /test loss/);
});

Deno.test("deno task example lists the examples where there is none of that name", async () => {
  await assert.rejects(task("cores"), /Cannot run the example "cores": the examples are core, /);
});

Deno.test("examples/README.md has the command of every example", () => {
  const text = readFileSync(join(root, "examples/README.md"), "utf8");
  const folders = readdirSync(join(root, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(folders.filter((name) => !text.includes(`\`npm run example ${name}\``)), []);
});

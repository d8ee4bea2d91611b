import assert from "node:assert/strict";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { staleness } from "./built.ts";

Deno.test("staleness() names a source without output, or newer than it, in public packages", () => {
  const root = Deno.makeTempDirSync({ prefix: "precond-built-" });
  const write = (path: string, seconds: number, text = "") => {
    const file = join(root, "packages", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, seconds, seconds);
  };
  try {
    write("a/package.json", 9, '{ "name": "a" }');
    write("b/package.json", 9, '{ "name": "b", "private": true }');
    write("b/mod.ts", 9);
    for (const file of ["mod", "c/d"]) {
      write(`a/${file}.ts`, 1);
      write(`a/dist/${file}.js`, 2);
    }
    // Not built at all.
    write("a/tsconfig.json", 9, '{ "exclude": ["**/*_test.ts", "tools"] }');
    for (
      const file of [
        ...["mod_test.ts", "c/_testing.ts", "scenarios/h.ts", "c/scenarios/i.ts"],
        ...["node_modules/e/f.ts", "tools/g.ts"],
      ]
    ) {
      write(`a/${file}`, 9);
    }
    assert.equal(staleness(root), undefined);
    write("a/c/d.ts", 3);
    assert.equal(staleness(root), "packages/a/c/d.ts is newer than its output");
    rmSync(join(root, "packages/a/dist"), { recursive: true });
    assert.match(staleness(root)!, /^packages\/a\/.+ is not built$/);
  } finally {
    rmSync(root, { recursive: true });
  }
});

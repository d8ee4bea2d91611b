import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { readJson, readPackages } from "./_packages.ts";
import { root } from "./_run.ts";
import { compareManifests, describe, mendManifests } from "./manifests.ts";

/** A copy of every manifest, and nothing else. */
function copyManifests(): string {
  const copy = Deno.makeTempDirSync({ prefix: "precond-manifests-" });
  const files = readPackages(root).flatMap((p) => [
    `${p.directory}/package.json`,
    ...(p.deno ? [`${p.directory}/deno.json`] : []),
  ]);
  for (const file of ["package.json", ...files]) {
    Deno.mkdirSync(dirname(join(copy, file)), { recursive: true });
    Deno.copyFileSync(join(root, file), join(copy, file));
  }
  return copy;
}

function edit(path: string, change: (manifest: Record<string, unknown>) => void): void {
  const manifest = readJson<Record<string, unknown>>(path);
  change(manifest);
  Deno.writeTextFileSync(path, JSON.stringify(manifest, null, 2));
}

Deno.test("the manifests of this repository are in step", () => {
  assert.deepEqual(compareManifests(root).map(describe), []);
});

Deno.test("compareManifests() names file and field of a changed version, mendManifests() mends", () => {
  const copy = copyManifests();
  try {
    edit(join(copy, "packages/core/package.json"), (m) => m.version = "9.8.7");
    const differences = compareManifests(copy);
    const listed = differences.map(describe);
    const old = readJson<{ version: string }>(join(root, "packages/core/package.json")).version;
    for (
      const line of [
        `packages/core/deno.json: version is "${old}", expected "9.8.7"`,
        `packages/tfjs/package.json: dependencies.@precond/core is "^${old}", expected "^9.8.7"`,
      ]
    ) assert.ok(listed.includes(line), `${line} is not in\n${listed.join("\n")}`);

    mendManifests(copy, differences);
    assert.deepEqual(compareManifests(copy).map(describe), []);
    const mended = readJson<{ version: string }>(join(copy, "packages/core/deno.json"));
    assert.equal(mended.version, "9.8.7");
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

Deno.test("compareManifests() derives the exports of deno.json from those of package.json", () => {
  const copy = copyManifests();
  try {
    edit(join(copy, "packages/tfjs/package.json"), (m) => {
      m.exports = {
        ".": { types: "./dist/mod.d.ts", default: "./dist/mod.js" },
        "./extra": { types: "./dist/other.d.ts", default: "./dist/extra/mod.js" },
      };
    });
    const { exports } = JSON.parse(
      Deno.readTextFileSync(join(copy, "packages/tfjs/deno.json")),
    );
    const listed = compareManifests(copy).map(describe).filter((line) =>
      /tfjs.*exports/.test(line)
    );
    assert.deepEqual(listed, [
      'packages/tfjs/package.json: exports../extra.types is "./dist/other.d.ts", ' +
      'expected "./dist/extra/mod.d.ts"',
      `packages/tfjs/deno.json: exports is ${JSON.stringify(exports)}, ` +
      'expected {".":"./mod.ts","./extra":"./extra/mod.ts"}',
    ]);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

Deno.test("compareManifests() wants main, types and typesVersions to follow the exports", () => {
  const copy = copyManifests();
  const file = "packages/onnx/package.json";
  try {
    edit(join(copy, file), (m) => {
      delete m.main;
      m.types = "./dist/other.d.ts";
      m.exports = { ...m.exports as object, "./more": { types: "./a.d.ts", default: "./a.js" } };
    });
    const listed = compareManifests(copy).filter((d) => d.file === file);
    const versions = listed.find((d) => d.field[0] === "typesVersions")!;
    assert.deepEqual(listed.map((d) => d.field[0]), ["main", "types", "typesVersions"]);
    assert.deepEqual((versions.expected as Record<string, object>)["*"], {
      proto: ["./dist/proto/mod.d.ts"],
      on_demand: ["./dist/on_demand/mod.d.ts"],
      node: ["./dist/node/mod.d.ts"],
      more: ["./a.d.ts"],
    });
    mendManifests(copy, compareManifests(copy));
    assert.equal(readJson<{ main: string }>(join(copy, file)).main, "./dist/mod.js");
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

Deno.test("compareManifests() wants a homepage, a place for bugs and the changelog of what is published", () => {
  const copy = copyManifests();
  try {
    edit(join(copy, "packages/onnx/package.json"), (m) => {
      for (const field of ["homepage", "bugs", "scripts"]) delete m[field];
      m.files = ["dist"];
    });
    const differences = compareManifests(copy);
    const fields = differences.map(({ field }) => field.join("."));
    assert.deepEqual(fields.sort(), ["bugs", "files", "homepage", "scripts"]);
    mendManifests(copy, differences);
    assert.deepEqual(compareManifests(copy).map(describe), []);
    const { homepage, files } = readJson<{ homepage: string; files: string[] }>(
      join(copy, "packages/onnx/package.json"),
    );
    assert.equal(homepage, "https://github.com/precond/precond/tree/main/packages/onnx#readme");
    assert.deepEqual(files, ["dist", "CHANGELOG.md"]);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

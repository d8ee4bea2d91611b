import assert from "node:assert/strict";
import { sources, specifiers } from "./_sources.ts";
import { forbiddenImports, importCircles, importsOf } from "./imports.ts";

Deno.test("imports point inward only", () => {
  assert.ok(sources.size > 0);
  const forbidden = [...sources].flatMap(([file, text]) => forbiddenImports(file, text));
  assert.deepEqual(forbidden, []);
});

Deno.test("no imports make a circle, those of types included", () => {
  const circles = importCircles(specifiers);
  assert.deepEqual(circles, []);
});

Deno.test("importCircles() names the shortest circle of each set of files", () => {
  const imports = new Map([
    ["p/a.ts", ["./sub/b.ts", "node:fs", "./not_there.ts"]],
    ["p/sub/b.ts", ["../c.ts", "../d.ts"]],
    ["p/c.ts", ["./d.ts"]],
    ["p/d.ts", ["./a.ts"]],
    ["q/alone.ts", ["./alone.ts"]],
    // It only leads into a circle.
    ["p/0.ts", ["./a.ts"]],
  ]);
  assert.deepEqual(importCircles(imports), [
    "p/a.ts → p/sub/b.ts → p/d.ts → p/a.ts",
    "q/alone.ts → q/alone.ts",
  ]);
  assert.deepEqual(importCircles(new Map([...imports].filter(([file]) => file !== "p/d.ts"))), [
    "q/alone.ts → q/alone.ts",
  ]);
});

Deno.test("importsOf() sees every form of import, and none in comments or strings", () => {
  const text = [
    'import a from "a"; import type { B } from "b"; import "c";',
    'export * from "d"; export type { E } from "e"; const f = import("f");',
    '// import g from "g"',
    'const h = `import h from "h"`;',
  ].join("\n");
  assert.deepEqual(importsOf(text).sort(), ["a", "b", "c", "d", "e", "f"]);
});

Deno.test("forbiddenImports() flags what points outward", () => {
  const forbidden: [file: string, specifier: string][] = [
    ["packages/core/mod.ts", "ml-matrix"],
    ["packages/core/mod.ts", "node:fs"],
    ["packages/core/mod.ts", "@precond/tfjs"],
    ["packages/core/mod.ts", "fast-check"],
    ["packages/core/mod.ts", "@precond/testing"],
    ["packages/core/mod.ts", "../tfjs/mod.ts"],
    ["packages/core/a/b.ts", "../../core_other/mod.ts"],
    ["packages/core/reference/a.ts", "node:fs"],
    ["packages/core/a_test.ts", "@tensorflow/tfjs-core"],
    ["packages/tfjs/mod.ts", "@precond/onnx"],
    ["packages/tfjs/mod.ts", "../core/mod.ts"],
    ["packages/jaxjs/mod.ts", "@precond/tfjs"],
    ["packages/onnx/a.ts", "@precond/core"],
    ["packages/onnx/a.ts", "node:fs"],
    ["packages/onnx/node/a.ts", "@precond/core"],
    ["packages/onnxruntime/a.ts", "node:fs"],
    ["packages/onnxruntime/node/a.ts", "@precond/tfjs"],
    ["packages/onnxruntime/a.ts", "@precond/tfjs"],
    ["packages/testing/a.ts", "@precond/tfjs"],
    ["packages/tfjs/a_test.ts", "@precond/bench"],
    ["examples/node/a.ts", "@precond/example-web"],
    ["bench/a.ts", "../packages/core/mod.ts"],
    ["examples/node/a.ts", "../web/a.ts"],
  ];
  for (const [file, specifier] of forbidden) {
    const found = forbiddenImports(file, `import { x } from "${specifier}";`);
    assert.deepEqual(found, [`${file} imports "${specifier}"`]);
  }
});

Deno.test("forbiddenImports() lets pass what points inward", () => {
  const allowed: [file: string, specifier: string][] = [
    ["packages/core/a/b.ts", "../c.ts"],
    ["packages/core/reference/a.ts", "ml-matrix"],
    ["packages/core/basis/a_test.ts", "ml-matrix"],
    ["packages/core/a_test.ts", "@precond/testing"],
    ["packages/core/a_test.ts", "node:assert/strict"],
    ["packages/tfjs/a.ts", "@precond/core"],
    ["packages/jaxjs/a.ts", "@jax-js/jax"],
    ["packages/onnxruntime/a.ts", "@precond/onnx"],
    ["packages/onnx/a.ts", "@precond/core/kinds"],
    ["packages/onnx/node/a.ts", "node:fs"],
    ["packages/onnxruntime/node/a.ts", "node:fs"],
    ["packages/onnxruntime/node/a.ts", "@precond/onnx/node"],
    ["packages/onnx/node/a.ts", "../mod.ts"],
    ["packages/onnx/cli/a.ts", "node:process"],
    ["packages/testing/a.ts", "@precond/core/reference"],
    ["bench/a.ts", "@precond/tfjs"],
    ["examples/node/a.ts", "@precond/testing"],
  ];
  for (const [file, specifier] of allowed) {
    assert.deepEqual(forbiddenImports(file, `export * from "${specifier}";`), []);
  }
});

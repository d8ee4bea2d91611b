// Slow: packs the public packages, installs them as a user would, and trains. Needs `build`.
import { ensureBuilt } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Manifest, type Package, publicPackages, readJson } from "./_packages.ts";
import { bin, capture, npmProgram, root } from "./_run.ts";

// In Node.js the gradients of TensorFlow.js come with its layers only.
const DEPENDENCIES = [
  ...["core", "backend-cpu", "layers"].map((name) => `@tensorflow/tfjs-${name}`),
  "@jax-js/jax",
  "onnxruntime-common",
  "onnxruntime-node",
];

/** What only some entries need. */
const OPTIONAL = ["ml-matrix", "onnxruntime-web", "@tensorflow/tfjs-backend-wasm"];

/** Ten steps of w ← w − .1 (w − 3) from 0: w = 3 (1 − .9¹⁰) */
const CORE = `
import { createOptimizer, sgd } from "@precond/core";
const optimizer = createOptimizer(sgd({ learningRate: 0.1 }));
const w = new Float32Array([0]);
for (let i = 0; i < 10; i++) {
  optimizer.step({ w: { weights: w, gradient: new Float32Array([w[0]! - 3]) } });
}
console.log(JSON.stringify([[w[0], 3 * (1 - 0.9 ** 10)]]));
`;

/** Ten steps of Adam on (x − 3)², beside those of TensorFlow.js itself. */
const TFJS = `
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import { adam, precond } from "@precond/tfjs";
await tf.setBackend("cpu");
function train(optimizer: tf.Optimizer): number[] {
  const x = tf.variable(tf.tensor1d([0, 10]));
  const loss = (): tf.Scalar => tf.sum(tf.square(tf.sub(x, 3)));
  for (let i = 0; i < 10; i++) optimizer.minimize(loss);
  return Array.from(x.dataSync());
}
const ours = train(precond(adam({ learningRate: 0.1, epsilon: 1e-7 })));
const theirs = train(tf.train.adam(0.1, 0.9, 0.999, 1e-7));
console.log(JSON.stringify(ours.map((w, i) => [w, theirs[i]])));
`;

/** Ten steps of w ← w − .1 (w − 3) from 0 on jax-js, as above. */
const JAX_JS = `
import { init, numpy as np } from "@jax-js/jax";
import { applyUpdates, precond, sgd } from "@precond/jax-js";
await init("cpu", "wasm");
const pairs: number[][] = [];
for (const device of ["cpu", "wasm"] as const) {
  const solver = precond(sgd({ learningRate: 0.1 }));
  let params = np.array(Float32Array.of(0), { device });
  let state = solver.init(params.ref);
  for (let i = 0; i < 10; i++) {
    const [updates, next] = solver.update(params.ref.sub(3), state);
    params = applyUpdates(params, updates);
    state = next;
  }
  pairs.push([params.js()[0], 3 * (1 - 0.9 ** 10)]);
}
console.log(JSON.stringify(pairs));
`;

/** Ten steps of w ← w − .1 x with x = 2 on an ONNX model, saved and exported on the way: w = −2 */
const ONNXRUNTIME = `
import { sgd } from "@precond/core";
import { buildModel, readModel } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import { loadFile, saveFile } from "@precond/onnxruntime/node";
import * as ort from "onnxruntime-node";
const m = buildModel();
const product = m.op("Mul", [m.input("x", [1]), m.parameter("w", [1], new Float32Array(1))]);
m.output(m.op("ReduceSum", [product], { keepdims: 0 }, "loss"));
const source = { model: m.build(), output: "loss" };
const optimizer = sgd({ learningRate: 0.1 });
const feeds = { x: { data: Float32Array.of(2), dims: [1] } };
const trainer = await Trainer.create(ort, source, { optimizer });
for (let i = 0; i < 5; i++) await trainer.step(feeds);
await saveFile(trainer, "run.safetensors");
const resumed = await Trainer.create(ort, source, { optimizer });
await loadFile(resumed, "run.safetensors");
for (let i = 0; i < 5; i++) await resumed.step(feeds);
const [w] = await resumed.parameter("w");
const exported = readModel(await resumed.exportModel()).graph!.initializer.length;
console.log(JSON.stringify([[w, -2], [resumed.iteration, 10], [exported, 1]]));
`;

/** The programs, by name. */
const PROGRAMS: Readonly<Record<string, string>> = {
  core: CORE,
  tfjs: TFJS,
  jaxjs: JAX_JS,
  onnxruntime: ONNXRUNTIME,
};

/** Everything that can be imported. */
const ENTRIES: readonly string[] = publicPackages(root).flatMap(({ npm }) =>
  Object.keys(npm.exports as object).map((key) => npm.name! + key.slice(1))
);

/** TypeScript's moduleResolution, "node" for long, and a module that goes with it. */
const RESOLUTIONS: readonly [moduleResolution: string, module: string][] = [
  ["node10", "commonjs"],
  ["nodenext", "nodenext"],
  ["bundler", "esnext"],
];

/** Writes a model for the command line of @precond/onnx. */
const ONNX = `
import { writeFileSync } from "node:fs";
import { buildModel, writeModel } from "@precond/onnx";
const m = buildModel();
const x = m.input("x", ["N", 2]), w = m.parameter("w", [2, 3], new Float32Array(6));
m.output(m.op("MatMul", [x, w], {}, "y"));
writeFileSync("model.onnx", writeModel(m.build()));
`;

/** What npm's own packing says is in a tarball. */
interface Packed {
  name: string;
  filename: string;
  files: { path: string }[];
}

const directory = await Deno.makeTempDir({ prefix: "precond-pack-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const packages: readonly Package[] = publicPackages(root);
const packed = new Map<string, Packed>();
const names = packages.flatMap(({ npm }) => ["-w", npm.name!]);
const packing = ["pack", "--json", "--pack-destination", directory, ...names];
// Not while another test builds them.
await ensureBuilt();
// npm 12 maps names to results, older ones list them.
for (const one of Object.values<Packed>(JSON.parse(await capture(npmProgram("npm"), packing)))) {
  packed.set(one.name, one);
}
const tarballs = [...packed.values()].map((p) => join(directory, p.filename));

const project = join(directory, "project");

/** Installs packages of the versions that are tested with in the project, the tarballs among them. */
async function install(dependencies: readonly string[]): Promise<void> {
  const versions = [".", "packages/tfjs", "packages/jaxjs", "packages/onnxruntime"].map((home) =>
    readJson<Manifest>(join(root, home, "package.json")).devDependencies!
  );
  const wanted = dependencies.map((d) => `${d}@${versions.find((v) => v[d])![d]}`);
  const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
  await capture(npmProgram("npm"), ["install", ...flags, ...tarballs, ...wanted], { cwd: project });
}

function assertTrained(stdout: string): void {
  const pairs: [actual: number, expected: number][] = JSON.parse(stdout.trim().split("\n").at(-1)!);
  for (const [actual, expected] of pairs) {
    assert.ok(Math.abs(actual - expected) <= 1e-5, `weight is ${actual}, expected ${expected}`);
  }
}

for (const { directory: home, npm } of packages) {
  const { filename, files } = packed.get(npm.name!)!;
  const tarball = join(directory, filename);

  Deno.test(`${npm.name}: the tarball holds what a user needs and nothing else`, () => {
    const paths = files.map((f) => f.path);
    for (
      const wanted of [
        ...["LICENSE", "README.md", "CHANGELOG.md", "package.json"],
        ...["dist/mod.js", "dist/mod.d.ts"],
      ]
    ) {
      assert.ok(paths.includes(wanted), `${wanted} is missing`);
    }
    const others = paths.filter((path) =>
      !/^(LICENSE|README\.md|CHANGELOG\.md|package\.json|dist\/.*\.(js|js\.map|d\.ts))$/.test(
        path,
      ) ||
      /_test\./.test(path)
    );
    assert.deepEqual(others, []);
  });

  Deno.test(`${npm.name}: source maps carry their sources`, async () => {
    const maps = files.map((f) => f.path).filter((path) => path.endsWith(".js.map"));
    assert.ok(maps.length > 0);
    for (const path of maps) {
      const map = readJson<{ sources: string[]; sourcesContent?: string[] }>(
        join(root, home, path),
      );
      assert.equal(map.sourcesContent?.length, map.sources.length, `${path} has no sources`);
      const name = map.sources[0]!.split("/").at(-1)!;
      const source = path.replace(/^dist\//, "").replace(/[^/]+$/, name);
      assert.equal(map.sourcesContent![0], await Deno.readTextFile(join(root, home, source)));
    }
  });

  Deno.test(`${npm.name}: publint finds nothing`, async () => {
    await capture(bin("publint"), ["run", tarball, "--strict"], { cwd: join(root, home) });
  });
}

Deno.test("the types of each package resolve as its code does", async () => {
  await Promise.all(tarballs.map((t) => capture(bin("attw"), [t, "--profile", "esm-only"])));
});

Deno.test("the packed packages can be installed", async () => {
  await Deno.mkdir(project);
  await Deno.writeTextFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  // It would download CUDA.
  await Deno.writeTextFile(join(project, ".npmrc"), "onnxruntime-node-install=skip\n");
  await install(DEPENDENCIES);
});

Deno.test("the packed command line of @precond/onnx runs in Node.js", async () => {
  const cwd = project;
  await Deno.writeTextFile(join(cwd, "onnx.js"), ONNX);
  await capture("node", ["onnx.js"], { cwd });
  const npx = (...args: string[]) =>
    capture(npmProgram("npx"), ["--no-install", "precond-onnx", ...args], { cwd });
  assert.match(await npx("--help"), /Usage: precond-onnx/);
  await npx("gradient", "model.onnx", "-o", "gradient.onnx", "--loss", "mse");
  const { outputs } = JSON.parse(await npx("inspect", "gradient.onnx", "--json"));
  assert.deepEqual(outputs.map((o: { name: string }) => o.name), ["loss", "y", "w_grad"]);
});

Deno.test("the packed packages type-check and train in Deno", async (t) => {
  await Deno.writeTextFile(join(project, "deno.json"), '{ "nodeModulesDir": "manual" }');
  const programs = Object.keys(PROGRAMS).map((name) => `${name}.ts`);
  for (const [name, source] of Object.entries(PROGRAMS)) {
    await Deno.writeTextFile(join(project, `${name}.ts`), source);
  }
  await t.step("types", async () => {
    await capture(Deno.execPath(), ["check", ...programs], { cwd: project });
  });
  for (const program of programs) {
    await t.step(program, async () => {
      const args = ["run", "-A", "--no-check", program];
      assertTrained(await capture(Deno.execPath(), args, { cwd: project }));
    });
  }
});

// The last: what is optional stays out of the others' way.
Deno.test("the packed packages train in Node.js", async (t) => {
  await install(OPTIONAL);
  for (const [name, source] of Object.entries(PROGRAMS)) {
    await t.step(name, async () => {
      await Deno.writeTextFile(join(project, `${name}.js`), await stripTypes(source));
      assertTrained(await capture("node", [`${name}.js`], { cwd: project }));
    });
  }
  await t.step("every entry can be required", async () => {
    // @precond/tfjs/gradients corrects what tfjs-layers registers.
    const entries = ["@tensorflow/tfjs-layers", ...ENTRIES];
    const program = entries.map((entry) => `require("${entry}");`).join("");
    await Deno.writeTextFile(join(project, "required.cjs"), program);
    await capture("node", ["--no-warnings", "required.cjs"], { cwd: project });
  });
  await t.step("types resolve with each moduleResolution", async () => {
    const imports = ENTRIES.map((entry, i) => `import * as m${i} from "${entry}";`);
    const used = ENTRIES.map((_, i) => `m${i}`).join(", ");
    await Deno.writeTextFile(
      join(project, "entries.ts"),
      `${imports.join("\n")}\nexport const entries: object[] = [${used}];\n`,
    );
    await Promise.all(RESOLUTIONS.map(async ([moduleResolution, module]) => {
      const compilerOptions = {
        ...{ module, moduleResolution, target: "es2022", types: [], strict: true },
        ...{ noEmit: true, skipLibCheck: true, ignoreDeprecations: "6.0" },
      };
      const path = join(project, `tsconfig.${moduleResolution}.json`);
      await Deno.writeTextFile(path, JSON.stringify({ compilerOptions, files: ["entries.ts"] }));
      await capture(bin("tsc"), ["-p", path]);
    }));
  });
});

/** Node.js 20 does not run TypeScript. */
async function stripTypes(source: string): Promise<string> {
  const { default: ts } = await import("typescript");
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions: options }).outputText;
}

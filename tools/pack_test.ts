// Slow: packs the public packages, installs them as a user would, and trains. Needs `build`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Manifest, type Package, publicPackages, readJson } from "./_packages.ts";
import { bin, capture, npmProgram, root } from "./_run.ts";

// In Node.js the gradients of TensorFlow.js come with its layers only.
const DEPENDENCIES = ["core", "backend-cpu", "layers"].map((name) => `@tensorflow/tfjs-${name}`);

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

/** What npm's own packing says is in a tarball. */
interface Packed {
  filename: string;
  files: { path: string }[];
}

const directory = await Deno.makeTempDir({ prefix: "precond-pack-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const packages: readonly Package[] = publicPackages(root);
const packed = new Map<string, Packed>();
for (const { npm } of packages) {
  const args = ["pack", "--json", "--pack-destination", directory, "-w", npm.name!];
  // npm 12 maps names to results, older ones list them.
  const result = JSON.parse(await capture(npmProgram("npm"), args));
  packed.set(npm.name!, Object.values<Packed>(result)[0]!);
}
const tarballs = [...packed.values()].map((p) => join(directory, p.filename));

/** An empty project with the tarballs installed. */
async function createProject(name: string): Promise<string> {
  const path = join(directory, name);
  await Deno.mkdir(path);
  await Deno.writeTextFile(join(path, "package.json"), '{ "private": true, "type": "module" }');
  const { devDependencies } = readJson<Manifest>(join(root, "packages/tfjs/package.json"));
  const dependencies = DEPENDENCIES.map((d) => `${d}@${devDependencies![d]}`);
  const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
  await capture(npmProgram("npm"), ["install", ...flags, ...tarballs, ...dependencies], {
    cwd: path,
  });
  return path;
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
    for (const wanted of ["LICENSE", "README.md", "package.json", "dist/mod.js", "dist/mod.d.ts"]) {
      assert.ok(paths.includes(wanted), `${wanted} is missing`);
    }
    const others = paths.filter((path) =>
      !/^(LICENSE|README\.md|CHANGELOG\.md|package\.json|dist\/.*\.(js|d\.ts)(\.map)?)$/.test(
        path,
      ) ||
      /_test\./.test(path)
    );
    assert.deepEqual(others, []);
  });

  Deno.test(`${npm.name}: publint finds nothing`, async () => {
    await capture(bin("publint"), ["run", tarball, "--strict"], { cwd: join(root, home) });
  });

  Deno.test(`${npm.name}: its types resolve as its code does`, async () => {
    await capture(bin("attw"), [tarball, "--profile", "esm-only"]);
  });
}

Deno.test("the packed packages train in Node.js", async (t) => {
  const project = await createProject("node");
  for (const [name, source] of Object.entries({ core: CORE, tfjs: TFJS })) {
    await t.step(name, async () => {
      await Deno.writeTextFile(join(project, `${name}.js`), await stripTypes(source));
      assertTrained(await capture("node", [`${name}.js`], { cwd: project }));
    });
  }
});

Deno.test("the packed packages type-check and train in Deno", async (t) => {
  const project = await createProject("deno");
  await Deno.writeTextFile(join(project, "deno.json"), '{ "nodeModulesDir": "manual" }');
  for (const [name, source] of Object.entries({ core: CORE, tfjs: TFJS })) {
    await t.step(name, async () => {
      await Deno.writeTextFile(join(project, `${name}.ts`), source);
      const args = ["run", "-A", "--check", `${name}.ts`];
      assertTrained(await capture(Deno.execPath(), args, { cwd: project }));
    });
  }
});

/** Node.js 20 does not run TypeScript. */
async function stripTypes(source: string): Promise<string> {
  const { default: ts } = await import("typescript");
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions: options }).outputText;
}

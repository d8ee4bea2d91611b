/**
 * Rehearses a release, end to end and without publishing anything: `deno run -A tools/rehearse.ts`.
 *
 * In a clone in a temporary folder it bumps the versions as `lerna version` does, builds, and publishes
 * to a registry on this machine (verdaccio), which has all other packages from the registry that npm
 * uses here. Then it installs from it as a user would, and trains. Outside CI: it takes minutes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { publicPackages, readJson } from "./_packages.ts";
import { capture, npmProgram, root, run, type RunOptions } from "./_run.ts";

/** The registry, of a version for Node.js 20. One of its packages asks for a tag of node-fetch that copies of npm lack. */
const REGISTRY = {
  private: true,
  dependencies: { verdaccio: "6.1.2" },
  overrides: { "node-fetch": "2.7.0" },
};

/** What a user would try first: each prints numbers that have to be equal. */
const PROGRAMS: readonly (readonly [packages: readonly string[], program: string])[] = [
  [
    ["@precond/core"],
    `import { createOptimizer, sgd } from "@precond/core";
const weights = Float32Array.of(0);
createOptimizer(sgd({ learningRate: 0.5 })).step({ w: { weights, gradient: Float32Array.of(-4) } });
console.log(weights[0], 2);`,
  ],
  [
    ["@precond/tfjs", "@tensorflow/tfjs"],
    `import * as tf from "@tensorflow/tfjs";
import { precond, sgd } from "@precond/tfjs";
await tf.setBackend("cpu");
const w = tf.variable(tf.scalar(3));
precond(sgd({ learningRate: 0.5 })).minimize(() => w.square());
console.log(w.dataSync()[0], 0);`,
  ],
  [
    ["@precond/onnxruntime", "@precond/onnx", "@precond/core", "onnxruntime-node"],
    `import { sgd } from "@precond/core";
import { buildModel } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import * as ort from "onnxruntime-node";
const m = buildModel();
const w = m.parameter("w", [1], Float32Array.of(1));
m.output(m.op("ReduceSum", [m.op("Mul", [m.input("x", [1]), w])], { keepdims: 0 }, "loss"));
const options = { optimizer: sgd({ learningRate: 0.5 }) };
const trainer = await Trainer.create(ort, { model: m.build(), output: "loss" }, options);
await trainer.step({ x: { data: Float32Array.of(4), dims: [1] } });
console.log((await trainer.parameter("w"))[0], -1);`,
  ],
];

const npm = npmProgram("npm");
const npx = npmProgram("npx");

/** A port that nobody listens on. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Starts the registry; resolves when it answers. It runs until it is disposed. */
async function startRegistry(folder: string): Promise<AsyncDisposable & { address: string }> {
  const port = freePort();
  const address = `http://127.0.0.1:${port}/`;
  const upstream = (await capture(npm, ["config", "get", "registry"])).trim();
  const config = {
    storage: join(folder, "storage"),
    uplinks: { upstream: { url: upstream, timeout: "60s" } },
    packages: {
      "@precond/*": { access: "$all", publish: "$all" },
      "**": { access: "$all", proxy: "upstream" },
    },
    log: { type: "stdout", level: "error" },
  };
  const file = join(folder, "verdaccio.json");
  await Deno.writeTextFile(file, JSON.stringify(config));
  await Deno.writeTextFile(join(folder, "package.json"), JSON.stringify(REGISTRY));
  const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
  await must("install the registry", npm, install, { cwd: folder });
  const child = new Deno.Command(join(folder, "node_modules", ".bin", npmProgram("verdaccio")), {
    args: ["--config", file, "--listen", `127.0.0.1:${port}`],
    cwd: folder,
  }).spawn();
  let ended = false;
  const status = child.status.then(() => ended = true);
  const stop = async () => {
    if (!ended) child.kill();
    await status;
  };
  for (let second = 0; second < 120 && !ended; second++) {
    const answer = await fetch(new URL("-/ping", address)).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return { address, [Symbol.asyncDispose]: stop };
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  await stop();
  throw new Error("Cannot rehearse: the registry does not answer");
}

async function must(
  what: string,
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<void> {
  console.log(`\n== ${what}`);
  const code = await run(command, args, options);
  if (code !== 0) throw new Error(`Cannot rehearse: ${what} ended with exit code ${code}`);
}

/** Bumps, builds and publishes a clone; returns the version. */
async function publish(clone: string, env: Record<string, string>): Promise<string> {
  const here = { cwd: clone, env };
  await must("clone", "git", ["clone", "--quiet", root, clone], { env });
  await must("install", npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], here);
  const bump = ["--no-install", "lerna", "version", "patch", "--yes", "--no-push"];
  await must("lerna version", npx, bump, here);
  const { version } = readJson<{ version: string }>(join(clone, "lerna.json"));
  for (const { directory } of publicPackages(clone)) {
    for (const file of ["package.json", "deno.json"]) {
      const manifest = readJson<{ version: string }>(join(clone, directory, file));
      assert.equal(manifest.version, version, `${directory}/${file}`);
    }
  }
  await must("build", Deno.execPath(), ["task", "build"], here);
  const all = ["--no-install", "lerna", "publish", "from-package", "--yes"];
  await must("lerna publish", npx, all, here);
  return version;
}

/** Installs packages in an empty folder and runs a program. */
async function tryOut(
  folder: string,
  [packages, program]: (typeof PROGRAMS)[number],
  { version, env }: { version: string; env: Record<string, string> },
): Promise<void> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "package.json"), `{ "private": true, "type": "module" }`);
  const names = packages.map((name) => name.startsWith("@precond/") ? `${name}@${version}` : name);
  const install = ["install", "--no-audit", "--no-fund", "--onnxruntime-node-install=skip"];
  await must(`install ${names.join(" ")}`, npm, [...install, ...names], { cwd: folder, env });
  await Deno.writeTextFile(join(folder, "main.js"), program);
  const output = await capture(Deno.build.os === "windows" ? "node.exe" : "node", ["main.js"], {
    cwd: folder,
    env,
  });
  const [actual, expected] = output.trim().split("\n").at(-1)!.split(" ");
  assert.equal(actual, expected, `${names.join(" ")} printed ${output}`);
}

const folder = await Deno.makeTempDir({ prefix: "precond-release-" });
try {
  await using registry = await startRegistry(folder);
  const { address } = registry;
  const userconfig = join(folder, "npmrc");
  const token = `//${new URL(address).host}/:_authToken=rehearsal`;
  await Deno.writeTextFile(userconfig, `registry=${address}\n${token}\n`);
  const env = {
    NPM_CONFIG_USERCONFIG: userconfig,
    NPM_CONFIG_REGISTRY: address,
    GIT_AUTHOR_NAME: "rehearsal",
    GIT_AUTHOR_EMAIL: "rehearsal@localhost",
    GIT_COMMITTER_NAME: "rehearsal",
    GIT_COMMITTER_EMAIL: "rehearsal@localhost",
  };
  const version = await publish(join(folder, "clone"), env);
  for (const [k, program] of PROGRAMS.entries()) {
    await tryOut(join(folder, `user${k}`), program, { version, env });
  }
  console.log(`\n${version} was published to ${address}, installed from it, and trains`);
} finally {
  await Deno.remove(folder, { recursive: true });
}

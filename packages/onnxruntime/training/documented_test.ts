// The code that the pages show for the removed TrainingSession, with the import of then on
// onnxruntime-web 1.19.2 and with ours on the current build.
import { buildModel, generateArtifacts } from "@precond/onnx";
import { assertAllClose, multilayerPerceptron, random } from "@precond/testing";
import { inFolder, snippet } from "@precond/testing/node";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openOracle } from "../scenarios/builds.ts";
import type { Ort } from "../hosts/ort.ts";
import type { TrainingSession } from "./training_session.ts";

const whole = snippet("docs/from_training_session.md", "import * as ort from");
const line = snippet(
  "packages/onnxruntime/README.md",
  'import * as ort from "@precond/onnxruntime/training"',
);

/** What a module is imported from now, and was then. */
function imports(code: string): [now: string, then: string] {
  const [, now, then] = /^import \* as ort from "(.+)"; \/\/ was:? "(.+)"$/m.exec(code)!;
  return [now!, then!];
}

/** The code below the imports, as a function of what it does not declare. */
const program = new Function(
  "ort",
  "feeds",
  `return (async () => { ${whole.slice(whole.indexOf("\n"))}; return session; })()`,
);

/** Writes artifacts of the names in the code into a folder. */
async function writeArtifacts(folder: string): Promise<void> {
  const m = buildModel();
  multilayerPerceptron(m, [6, 8, 3]);
  const made = generateArtifacts(m.build(), { loss: { type: "crossEntropy" } });
  const files = {
    "checkpoint": made.checkpoint,
    "training_model.onnx": made.training,
    "eval_model.onnx": made.eval,
    "optimizer_model.onnx": made.optimizer,
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

type Host = Pick<Ort, "Tensor"> & {
  TrainingSession: { create(files: Record<string, string>): Promise<TrainingSession> };
};

/** The code on a host, which finds the files in a folder; what an evaluation gives afterwards. */
async function run(host: Host, address: (name: string) => string): Promise<number[]> {
  const draw = random(7);
  const feeds = {
    x: new host.Tensor("float32", Float32Array.from({ length: 24 }, () => draw.normal()), [4, 6]),
    labels: new host.Tensor("int64", BigInt64Array.of(0n, 1n, 2n, 1n), [4]),
  };
  const ort = {
    ...host,
    TrainingSession: {
      create: (files: Record<string, string>) =>
        host.TrainingSession.create(
          Object.fromEntries(Object.entries(files).map(([key, name]) => [key, address(name)])),
        ),
    },
  };
  const session: TrainingSession = await program(ort, feeds);
  const loss = async () => {
    const results = await session.runEvalStep(feeds);
    return (results[session.evalOutputNames[0]!]!.data as Float32Array)[0]!;
  };
  const losses = [await loss()];
  for (let k = 0; k < 3; k++) {
    await session.runTrainStep(feeds);
    await session.runOptimizerStep();
    await session.lazyResetGrad();
    losses.push(await loss());
  }
  return losses;
}

Deno.test("The code of the pages does with the changed import what it did on 1.19.2", async () => {
  const [now, then] = imports(whole);
  assert.deepEqual(imports(line), [now, then]);
  assert.equal(then, "onnxruntime-web/training");
  await inFolder(async (folder) => {
    await writeArtifacts(folder);
    const address = (name: string) => pathToFileURL(join(folder, name)).href;
    const expected = await run(await openOracle(), address);
    const actual = await run(await import(now), address);
    assertAllClose(actual, expected, { relative: 1e-5 });
    assert.ok(expected.every((loss, k) => k === 0 || loss < expected[k - 1]!), `${expected}`);
  });
});

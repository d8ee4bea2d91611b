import { snippet } from "@precond/testing/node";
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildModel, generateArtifacts, type ModelProto, writeModel } from "@precond/onnx";
import { inFolder, runMain } from "./_testing_main.ts";
import { random } from "./random.ts";

/** The module of README.md. */
const moduleText = snippet("bench/README.md", "const examples =");

/** The ONNX model of it: 2 features, 16 ReLUs, one logit. */
function onnxModel(outputs = 1): ModelProto {
  const draw = random("your model test");
  const values = (length: number) => Float32Array.from({ length }, () => draw.normal());
  const m = buildModel();
  const x = m.input("points", ["N", 2]);
  const linear = m.op("Gemm", [
    x,
    m.parameter("w1", [2, 16], values(32)),
    m.parameter("b1", [16], new Float32Array(16)),
  ]);
  const hidden = m.op("Relu", [linear]);
  m.output(
    m.op("Gemm", [
      hidden,
      m.parameter("w2", [16, outputs], values(16 * outputs)),
      m.parameter("b2", [outputs], new Float32Array(outputs)),
    ]),
  );
  return m.build();
}

/** A module in a folder; what it says instead of the one of README.md. */
async function write(folder: string, change: (text: string) => string = (text) => text) {
  const file = join(folder, `model${Math.random()}.js`);
  await Deno.writeTextFile(file, change(moduleText));
  await Deno.writeFile(join(folder, "model.onnx"), writeModel(onnxModel()));
  return file;
}

Deno.test("--model compares on the model of README.md, on both hosts", async () => {
  await inFolder(async (folder) => {
    const file = await write(folder);
    const backends = ["wasm", "onnxruntime"];
    const { code, said, rows } = await runMain(folder, [
      ...["--model", file, "--method", "snrOnly", "--seeds", "1", "--backend", backends.join()],
    ]);
    assert.equal(code, 0, said);
    assert.match(said, /240 examples to train, 60 to choose learning rates by, 60 to test; B = 16/);
    assert.deepEqual(rows.map(({ backend }) => backend), backends.flatMap((b) => [b, b]));
    for (const { problem, curve, bestTestLoss, finalTestAccuracy } of rows) {
      assert.equal(problem, "model");
      assert.ok(bestTestLoss! < curve.testLoss![0]!);
      assert.ok(finalTestAccuracy! > 0.5);
    }
  });
});

Deno.test("--model trains variables, and training artifacts with a loss of their own", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "artifacts"));
    const made = generateArtifacts(onnxModel(), { loss: { type: "binaryCrossEntropy" } });
    for (
      const [name, bytes] of Object.entries({
        "training_model.onnx": made.training,
        "eval_model.onnx": made.eval,
        "optimizer_model.onnx": made.optimizer,
        checkpoint: made.checkpoint,
      })
    ) await Deno.writeFile(join(folder, "artifacts", name), bytes as Uint8Array);
    const file = await write(
      folder,
      (text) =>
        text.replace(
          /tfjs: [^]*?\n {4}}\),\n/,
          `tfjs: (tf, seed) => {
        const w = tf.variable(tf.randomNormal([2, 1], 0, 1, "float32", seed));
        return { variables: [w], outputs: (x) => tf.matMul(x, w) };
      },
      `,
        ).replace('onnx: "model.onnx"', 'artifacts: "artifacts"').replace("steps: 60", "steps: 10"),
    );
    const { code, said, rows } = await runMain(folder, [
      ...["--model", file, "--method", "sgd", "--seeds", "1", "--backend", "wasm,onnxruntime"],
    ]);
    assert.equal(code, 0, said);
    for (const { curve } of rows) assert.ok(curve.trainLoss.at(-1)! < curve.trainLoss[0]!);
    assert.deepEqual(new Set(rows.map(({ backend }) => backend)), new Set(["wasm", "onnxruntime"]));
  });
});

Deno.test("--model ends with code 2 and what does not fit", async () => {
  await inFolder(async (folder) => {
    const refused = async (
      message: RegExp,
      change?: (text: string) => string,
      backend = "wasm",
    ) => {
      const file = await write(folder, change);
      const { code, said } = await runMain(folder, ["--model", file, "--backend", backend]);
      assert.equal(code, 2, said);
      assert.match(said, message);
    };
    const swap = (from: string | RegExp, to: string) => (text: string) => {
      assert.notEqual(text.replace(from, to), text);
      return text.replace(from, to);
    };
    const absent = await runMain(folder, ["--model", join(folder, "none.js")]);
    assert.match(absent.said, /^Cannot use the model of ".*none.js": there is no such file$/);
    assert.equal(absent.code, 2);
    await refused(/it has no default export/, swap("export default", "export const model ="));
    await refused(
      /ReferenceError: nothing is not defined/,
      swap("export default", "nothing();\nexport default"),
    );
    await refused(/it has "los", which is none of title, loss,/, swap("loss:", "los:"));
    await refused(
      /loss must be classification, binary or squared, current value is hinge/,
      swap('"binary",', '"hinge",'),
    );
    await refused(
      /batchSize must be a positive integer, current value is 0/,
      swap("batchSize: 16", "batchSize: 0"),
    );
    await refused(
      /x of train must be finite numbers, example 0 has NaN/,
      swap("Math.sin(i + shift)", "NaN"),
    );
    await refused(/y of train must be 0 or 1, example \d+ has 3/, swap("? 1 : 0", "? 3 : 0"));
    await refused(
      /an example has 2 numbers, the model takes \[3\], that is 3/,
      swap("inputShape: [2]", "inputShape: [3]"),
    );
    await refused(
      /for 2 examples it gives \[2,4\], expected is \[2,1\]/,
      swap("units: 1,", "units: 4,"),
    );
    await refused(
      /x of train has 239 rows, y has 240/,
      swap("return { x,", "return { x: x.slice(1),"),
    );
    await refused(
      /test has 3 features an example, train has 2/,
      swap("test: examples(60, 400)", "test: { x: [[1, 2, 3]], y: [1] }"),
    );
    await refused(
      /it has no tfjs model; use --backend onnxruntime/,
      swap(/tfjs: [^]*?\n {4}}\),\n/, ""),
    );
    await refused(
      /Cannot read ".*other.onnx": there is no such file/,
      swap("model.onnx", "other.onnx"),
      "onnxruntime",
    );
    await refused(
      /the model's "points" takes \[2\]/,
      swap(/\[\n\s+Math.sin\(i \+ shift\),/, "[\n0, Math.sin(i + shift),"),
      "onnxruntime",
    );
  });
});

/**
 * Code for the TrainingSession that onnxruntime-web had from 1.17 to 1.19, on its current build. One
 * import has changed:
 *
 *     import * as ort from "onnxruntime-web/training"; // then
 *     import * as ort from "@precond/onnxruntime/training"; // now
 *
 * Artifacts that the official Python generator wrote do as well as these, which are made here so that
 * the example needs no files.
 *
 * Run: deno run -A examples/onnxruntime-artifacts/main.ts
 */
import * as ort from "@precond/onnxruntime/training";
import { buildModel, generateArtifacts } from "@precond/onnx";

/** What `artifacts.generate_artifacts(…)` wrote in Python. */
function makeArtifacts() {
  const m = buildModel();
  const x = m.input("input", ["N", 4]);
  const w = m.parameter("weight", [4, 3], new Float32Array(12));
  const b = m.parameter("bias", [3], new Float32Array(3));
  m.output(m.op("Gemm", [x, w, b], {}, "logits"));
  return generateArtifacts(m.build(), { loss: { type: "crossEntropy" } });
}
const files = makeArtifacts();

// From here on as it was.
ort.env.wasm.numThreads = 1;
const session = await ort.TrainingSession.create({
  checkpointState: files.checkpoint,
  trainModel: files.training,
  evalModel: files.eval,
  optimizerModel: files.optimizer,
});

/** Three kinds of flowers, each around a point of its own. */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
function makeFeeds(count: number) {
  const input = new Float32Array(4 * count), labels = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const kind = i % 3;
    labels[i] = BigInt(kind);
    for (let k = 0; k < 4; k++) input[4 * i + k] = (k === kind ? 1 : 0) + uniform() - 0.5;
  }
  return {
    input: new ort.Tensor("float32", input, [count, 4]),
    labels: new ort.Tensor("int64", labels, [count]),
  };
}

async function evaluate(): Promise<number> {
  const results = await session.runEvalStep(makeFeeds(300));
  return (results[session.evalOutputNames[0]!]!.data as Float32Array)[0]!;
}

console.log(`before: test loss ${(await evaluate()).toFixed(3)}`);
for (let step = 0; step < 300; step++) {
  await session.runTrainStep(makeFeeds(30));
  await session.runOptimizerStep();
  await session.lazyResetGrad();
}
console.log(`after: test loss ${(await evaluate()).toFixed(3)}`);
const parameters = await session.getContiguousParameters(true);
console.log(`${parameters.dims[0]} parameters`);

// What the old API did not have:
session.learningRate = 1e-2;
await session.runTrainStep(makeFeeds(30));
await session.runOptimizerStep();
const model = await session.exportModel();
console.log(`${model.length} bytes of ONNX for inference`);
await session.release();

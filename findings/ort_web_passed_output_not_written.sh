#!/usr/bin/env bash
# onnxruntime-web 1.30.0, Node.js 20, provider wasm.
#
# Expected by most: a tensor passed in run()'s fetches receives the output (onnxruntime-node writes it), or
# run() refuses it.
# Actual: the result is the tensor that was passed, with the numbers it had before. Without it the output is
# right.
# Seen: passed 7 7: 7 7; nothing passed: -1 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund onnxruntime-web@1.30.0 onnx-proto@8.0.1
cat >run.mjs <<'EOF'
import { createRequire } from "node:module";
import * as ort from "onnxruntime-web";
const { onnx } = createRequire(import.meta.url)("onnx-proto");
ort.env.wasm.numThreads = 1;

const type = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } };
const model = onnx.ModelProto.encode(onnx.ModelProto.fromObject({
  irVersion: 8,
  opsetImport: [{ domain: "", version: 17 }],
  graph: {
    name: "g",
    input: [{ name: "x", type }],
    output: [{ name: "y", type }],
    node: [{ opType: "Neg", input: ["x"], output: ["y"] }],
  },
})).finish();

const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
const x = new ort.Tensor("float32", [1, -2], [2]);
const passed = new ort.Tensor("float32", [7, 7], [2]);
const filled = (await session.run({ x }, { y: passed })).y;
const own = (await session.run({ x })).y;
console.log(`passed 7 7: ${filled.data.join(" ")}; nothing passed: ${own.data.join(" ")}`);
if (filled !== passed || filled.data.join() !== "7,7" || own.data.join() !== "-1,2") {
  console.error("The behaviour changed: the passed tensor is written, or another one is returned");
  process.exit(1);
}
process.exit(0);
EOF
node run.mjs

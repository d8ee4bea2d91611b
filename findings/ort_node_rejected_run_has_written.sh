#!/usr/bin/env bash
# onnxruntime-node 1.30.0, Node.js 20, provider cpu.
#
# Expected by most: a run() that rejects has given nothing; tensors passed for its outputs are as before.
# Actual: outputs that are no tensors cannot be handed to JavaScript, so that run() rejects; but it rejects
# after the run, when the tensors passed for other outputs have been written.
# Seen: rejected: Non tensor type is temporarily not supported. Passed for y: 1 -2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
echo onnxruntime-node-install=skip >.npmrc # its postinstall would download CUDA
npm install --silent --no-audit --no-fund onnxruntime-node@1.30.0 onnx-proto@8.0.1
cat >run.mjs <<'EOF'
import { createRequire } from "node:module";
import * as ort from "onnxruntime-node";
const { onnx } = createRequire(import.meta.url)("onnx-proto");

const float = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } };
const model = onnx.ModelProto.encode(onnx.ModelProto.fromObject({
  irVersion: 8,
  opsetImport: [{ domain: "", version: 17 }],
  graph: {
    name: "g",
    input: [{ name: "x", type: float }],
    output: [
      { name: "list", type: { sequenceType: { elemType: { tensorType: { elemType: 1 } } } } },
      { name: "y", type: float },
    ],
    node: [
      { opType: "SequenceConstruct", input: ["x"], output: ["list"] },
      { opType: "Neg", input: ["x"], output: ["y"] },
    ],
  },
})).finish();

const session = await ort.InferenceSession.create(model);
const x = new ort.Tensor("float32", [-1, 2], [2]);
const y = new ort.Tensor("float32", [7, 7], [2]);
let message = "nothing";
try {
  await session.run({ x }, { list: null, y });
} catch (error) {
  message = error.message;
}
console.log(`rejected: ${message} Passed for y: ${y.data.join(" ")}`);
if (!message.includes("Non tensor type") || y.data.join() !== "1,-2") {
  console.error("The behaviour changed: the run does not reject, or has not written y");
  process.exit(1);
}
EOF
node run.mjs

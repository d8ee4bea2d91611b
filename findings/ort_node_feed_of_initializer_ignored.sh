#!/usr/bin/env bash
# onnxruntime-node 1.30.0, Node.js 20, provider cpu.
#
# Expected by most: an initializer that is also a graph input is a default, which a feed overrides, as the
# ONNX format says and as ONNX Runtime does in Python.
# Actual: the input is not among inputNames, and a feed for it is ignored without a word, like a feed of
# any unknown name. onnxruntime-web refuses it.
# Seen: inputNames x; x = 2, w = 3 fed (10 in the file): y = 20
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

const type = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } };
const model = onnx.ModelProto.encode(onnx.ModelProto.fromObject({
  irVersion: 8,
  opsetImport: [{ domain: "", version: 17 }],
  graph: {
    name: "g",
    input: [{ name: "x", type }, { name: "w", type }],
    output: [{ name: "y", type }],
    node: [{ opType: "Mul", input: ["x", "w"], output: ["y"] }],
    initializer: [{ name: "w", dataType: 1, dims: [1], floatData: [10] }],
  },
})).finish();

const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
const scalar = (value) => new ort.Tensor("float32", [value], [1]);
const { y } = await session.run({ x: scalar(2), w: scalar(3) });
console.log(`inputNames ${session.inputNames}; x = 2, w = 3 fed (10 in the file): y = ${y.data[0]}`);
if (y.data[0] !== 20) {
  console.error("The behaviour changed: the fed initializer is used");
  process.exit(1);
}
EOF
node run.mjs

#!/usr/bin/env bash
# onnxruntime-node 1.30.0, Node.js 20, provider cpu.
#
# Expected by most: a graph of operators that all run in double runs in double.
# Actual: x * Sigmoid(x) is fused into QuickGelu at the usual level of optimization, which has no kernel for
# double; the model does not load. With optimizations off it does. (Python's onnxruntime 1.32.0 loads it.)
# Seen: all: "Failed to find kernel for com.microsoft.QuickGelu(1) ..."; disabled: 0.7311 1.7616
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

const type = { tensorType: { elemType: 11, shape: { dim: [{ dimValue: 2 }] } } };
const model = onnx.ModelProto.encode(onnx.ModelProto.fromObject({
  irVersion: 8,
  opsetImport: [{ domain: "", version: 17 }],
  graph: {
    name: "g",
    input: [{ name: "x", type }],
    output: [{ name: "y", type }],
    node: [
      { opType: "Sigmoid", input: ["x"], output: ["s"] },
      { opType: "Mul", input: ["x", "s"], output: ["y"] },
    ],
  },
})).finish();

async function outcome(graphOptimizationLevel) {
  try {
    const session = await ort.InferenceSession.create(model, {
      graphOptimizationLevel,
      logSeverityLevel: 4,
    });
    const { y } = await session.run({ x: new ort.Tensor("float64", [1, 2], [2]) });
    return [...y.data].map((value) => value.toFixed(4)).join(" ");
  } catch (error) {
    return error.message;
  }
}
const [all, disabled] = [await outcome("all"), await outcome("disabled")];
console.log(`all: ${all}\ndisabled: ${disabled}`);
if (!all.includes("QuickGelu") || disabled !== "0.7311 1.7616") {
  console.error("The behaviour changed: x * Sigmoid(x) in double loads, or does not without fusions");
  process.exit(1);
}
EOF
node run.mjs

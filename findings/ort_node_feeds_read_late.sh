#!/usr/bin/env bash
# onnxruntime-node 1.30.0, Node.js 20, provider cpu.
#
# Expected by most: session.run(feeds) takes the feeds as they are when it is called, as onnxruntime-web's
# wasm build does, so that their arrays can be filled with the next batch at once.
# Actual: the run starts in a later turn of the event loop and reads what the arrays hold then.
# Seen: fed 1 1, changed to 100 1 after the call, result -100 -1
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

const session = await ort.InferenceSession.create(model);
const x = new ort.Tensor("float32", [1, 1], [2]);
const promise = session.run({ x });
x.data[0] = 100;
const { y } = await promise;
console.log(`fed 1 1, changed to ${x.data.join(" ")} after the call, result ${y.data.join(" ")}`);
if (y.data.join() !== "-100,-1") {
  console.error("The behaviour changed: run() has read its feeds before it returned");
  process.exit(1);
}
EOF
node run.mjs

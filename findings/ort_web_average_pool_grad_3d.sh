#!/usr/bin/env bash
# onnxruntime-web 1.19.2 (the last one with training), Node.js 20, its training build.
#
# Expected by most: AveragePoolGrad, which training models hold, is the derivative of AveragePool in one,
# two and three dimensions alike.
# Actual: with padding and three dimensions it gives other numbers: a window's gradient is divided by the
# whole window where AveragePool divides by the elements inside.
# Seen, windows of 2 over 2 elements, one of padding before, dy = 1 2: 1-d 2 1, 2-d 2 1, 3-d 1 1. The first
# window has one element (1/1), the second two (2/2 each): 1 + 1 and 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund onnxruntime-web@1.19.2 onnx-proto@8.0.1
cat >run.mjs <<'EOF'
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
const require = createRequire(import.meta.url);
const { onnx } = require("onnx-proto");
// The package exports its training build to browsers only.
const dist = dirname(require.resolve("onnxruntime-web"));
const ort = await import(pathToFileURL(join(dist, "ort.training.wasm.mjs")).href);
ort.env.wasm.numThreads = 1;

async function gradient(dimensions) {
  const dims = [1, 1, 2, ...Array(dimensions - 1).fill(1)];
  const type = { tensorType: { elemType: 1, shape: { dim: dims.map((d) => ({ dimValue: d })) } } };
  const [kernel, pads] = [Array(dimensions).fill(1), Array(2 * dimensions).fill(0)];
  kernel[0] = 2;
  pads[0] = 1;
  const model = onnx.ModelProto.encode(onnx.ModelProto.fromObject({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 14 }],
    graph: {
      name: "g",
      input: [{ name: "dy", type }],
      output: [{ name: "dx", type }],
      node: [{
        opType: "AveragePoolGrad",
        input: ["dy"],
        output: ["dx"],
        attribute: [{ name: "kernel_shape", type: 7, ints: kernel }, { name: "pads", type: 7, ints: pads }],
      }],
    },
  })).finish();
  const session = await ort.InferenceSession.create(model);
  const { dx } = await session.run({ dy: new ort.Tensor("float32", [1, 2], dims) });
  return `${dimensions}-d ${dx.data.join(" ")}`;
}
const seen = [await gradient(1), await gradient(2), await gradient(3)].join(", ");
console.log(seen);
if (seen !== "1-d 2 1, 2-d 2 1, 3-d 1 1") {
  console.error("The behaviour changed: the gradients of AveragePool are not those seen");
  process.exit(1);
}
process.exit(0);
EOF
node run.mjs

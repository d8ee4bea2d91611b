#!/usr/bin/env bash
# @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm 4.22.0, Node.js 20.
#
# Expected by most: a sum of a million float32 values is right to a few units of the sixth digit, since
# backends sum pairwise, in blocks, or in double precision.
# Actual: backend wasm adds them one after another in float32; the sum of a million times 0.1 is almost
# one percent too large, and so is every mean over a large tensor.
# Seen: wasm 100958.34, cpu 100000.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";

async function sum(backend) {
  await tf.setBackend(backend);
  return tf.fill([1000000], 0.1).sum().dataSync()[0];
}
const [wasm, cpu] = [await sum("wasm"), await sum("cpu")];
console.log(`wasm ${wasm.toFixed(2)}, cpu ${cpu.toFixed(2)}`);
if (Math.abs(wasm - 100958.34) > 1 || Math.abs(cpu - 100000) > 1) {
  console.error("The behaviour changed: the sums are not those seen");
  process.exit(1);
}
EOF
node run.mjs

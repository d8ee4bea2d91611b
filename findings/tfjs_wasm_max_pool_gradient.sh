#!/usr/bin/env bash
# @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm 4.22.0, Node.js 20.
#
# Expected by most: the gradient of max pooling goes to the largest element of each window.
# Actual: on backend wasm, where all elements of a window are negative, it goes to the first element of
# the whole tensor, and what belongs to other windows is lost.
# Seen, windows of two: x = 1 2 3 4: wasm 0 1 0 1, cpu 0 1 0 1; x = -4 -3 -2 -1: wasm 1 0 0 0, cpu 0 1 0 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";

const f = (x) => tf.maxPool(x, [1, 2], [1, 2], "valid").sum();
async function gradient(backend, x) {
  await tf.setBackend(backend);
  return [...tf.grad(f)(tf.tensor(x, [1, 1, 4, 1])).dataSync()].join(" ");
}
const lines = [];
for (const x of [[1, 2, 3, 4], [-4, -3, -2, -1]]) {
  lines.push(`x = ${x.join(" ")}: wasm ${await gradient("wasm", x)}, cpu ${await gradient("cpu", x)}`);
}
console.log(lines.join("; "));
const [positive, negative] = lines;
if (!positive.endsWith("wasm 0 1 0 1, cpu 0 1 0 1") || !negative.endsWith("wasm 1 0 0 0, cpu 0 1 0 1")) {
  console.error("The behaviour changed: the gradients of maxPool are not those seen");
  process.exit(1);
}
EOF
node run.mjs

#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: the gradient of tf.avgPool is the derivative of what it computes.
# Actual: with padding "same", a window that hangs over the border is averaged over the elements inside
# the image, but its gradient is divided by the whole window.
# Seen, for the sum over 2x2 windows of a 3x3 image, last row: gradient 0.25 0.25 0.25, by differences
# 0.5 0.5 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const f = (x) => tf.avgPool(x, 2, 2, "same").sum();
const x = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
const gradient = [...tf.grad(f)(x).dataSync()].slice(6);
// f is linear: its value at a unit image is its derivative there.
const differences = [6, 7, 8].map((i) => f(tf.oneHot([i], 9).toFloat().reshape([1, 3, 3, 1])).dataSync()[0]);
console.log(`gradient ${gradient.join(" ")}, by differences ${differences.join(" ")}`);
if (`${gradient}` !== "0.25,0.25,0.25" || `${differences}` !== "0.5,0.5,1") {
  console.error("The behaviour changed: the gradient at the border is not a quarter");
  process.exit(1);
}
EOF
node run.mjs

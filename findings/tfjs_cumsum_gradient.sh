#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: the gradient of tf.cumsum is right along every axis.
# Actual: along an axis that is not the last one the gradient keeps the transposed order of the elements
# (wrong numbers, right shape, no error). Along the last axis it is right.
# Seen, f = sum(cumsum(x, axis) * [[1, 2], [3, 4]]): axis 0: 4 3 6 4, by differences 4 6 3 4; axis 1:
# 3 2 7 4, by differences 3 2 7 4
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const factors = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const seen = [0, 1].map((axis) => {
  const f = (x) => tf.cumsum(x, axis).mul(factors).sum();
  const gradient = tf.grad(f)(tf.zeros([2, 2])).dataSync().join(" ");
  // f is linear: its value at a unit matrix is its derivative there.
  const differences = [0, 1, 2, 3]
    .map((i) => f(tf.oneHot([i], 4).toFloat().reshape([2, 2])).dataSync()[0]).join(" ");
  return `axis ${axis}: ${gradient}, by differences ${differences}`;
}).join("; ");
console.log(seen);
if (seen !== "axis 0: 4 3 6 4, by differences 4 6 3 4; axis 1: 3 2 7 4, by differences 3 2 7 4") {
  console.error("The behaviour changed: the gradients of cumsum are not those seen");
  process.exit(1);
}
EOF
node run.mjs

#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: each element of the input of tf.mirrorPad gets the sum of the gradients of all its
# copies, as it gets it from tf.gather with the same places.
# Actual: the gradient is the slice of the middle; what arrives at the mirrored copies is dropped.
# Seen: mirrorPad 2 4 8, gather 2 21 8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const factors = tf.tensor1d([1, 2, 4, 8, 16]);
const pad = (x) => tf.mirrorPad(x, [[1, 1]], "reflect");
const gather = (x) => tf.gather(x, tf.tensor1d([1, 0, 1, 2, 1], "int32"));
const x = tf.tensor1d([5, 6, 7]);
if (`${pad(x).dataSync()}` !== `${gather(x).dataSync()}`) throw new Error("not the same function");
const gradient = (f) => tf.grad((x) => f(x).mul(factors).sum())(x).dataSync().join(" ");
console.log(`mirrorPad ${gradient(pad)}, gather ${gradient(gather)}`);
if (gradient(pad) !== "2 4 8" || gradient(gather) !== "2 21 8") {
  console.error("The behaviour changed: the gradients of mirrorPad and gather are not those seen");
  process.exit(1);
}
EOF
node run.mjs

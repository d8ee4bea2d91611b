#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: a seed makes the sequence of a dropout layer's masks repeatable; each step of
# training still gets a mask of its own, as in Keras.
# Actual: with a seed every call has the same mask, so that the same units are left out in the whole of
# training and the rest is never regularized.
# Seen: seed 7: 00020000202222000002 in each of 5 steps; without a seed the masks differ
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

function masks(options) {
  const layer = tf.layers.dropout({ rate: 0.5, ...options });
  const steps = [1, 2, 3, 4, 5];
  return steps.map(() => layer.apply(tf.ones([1, 20]), { training: true }).dataSync().join(""));
}
const [seeded, free] = [masks({ seed: 7 }), masks({})];
console.log(`seed 7: ${seeded.join(" ")}\nwithout a seed: ${free.join(" ")}`);
if (new Set(seeded).size !== 1 || new Set(free).size === 1) {
  console.error("The behaviour changed: a seeded dropout layer has more than one mask");
  process.exit(1);
}
EOF
node run.mjs

#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: seed 0 is a seed like any other.
# Actual: tf.randomNormal takes 0 for "no seed" and draws other numbers each time, where
# tf.randomUniform keeps its promise.
# Seen (numbers differ by run): randomNormal, seed 0: 1.0553 and 0.5754; seed 1: 0.0728 and 0.0728
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const twice = (draw) => [0, 0].map(() => draw().dataSync()[0].toFixed(4));
const normal = [0, 1].map((seed) => twice(() => tf.randomNormal([1], 0, 1, "float32", seed)));
const uniform = twice(() => tf.randomUniform([1], 0, 1, "float32", 0));
console.log(`randomNormal, seed 0: ${normal[0].join(" and ")}; seed 1: ${normal[1].join(" and ")}`);
console.log(`randomUniform, seed 0: ${uniform.join(" and ")}`);
const equal = ([a, b]) => a === b;
if (equal(normal[0]) || !equal(normal[1]) || !equal(uniform)) {
  console.error("The behaviour changed: seed 0 of randomNormal repeats, or another seed does not");
  process.exit(1);
}
EOF
node run.mjs

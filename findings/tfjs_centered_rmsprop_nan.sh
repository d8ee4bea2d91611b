#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: epsilon keeps the denominator of the centered tf.train.rmsprop away from 0, so
# that a small gradient gives a small, finite step.
# Actual: epsilon is subtracted under the root, which is sqrt(mean(g^2) - (mean(g)^2 + epsilon)); where
# gradients are small the root is of a negative number and the weight is NaN after one step. A larger
# epsilon makes it worse.
# Seen: not centered 0.8741, centered NaN
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

function step(centered) {
  const w = tf.variable(tf.scalar(1));
  const optimizer = tf.train.rmsprop(0.4, 0.9, 0, 1e-3, centered);
  optimizer.minimize(() => w.mul(0.01), false, [w]);
  return w.dataSync()[0];
}
const [plain, centered] = [step(false), step(true)];
console.log(`not centered ${plain.toFixed(4)}, centered ${centered}`);
// mean(g^2) = 0.1 * 1e-4
const expected = 1 - 0.4 * 0.01 / Math.sqrt(1e-5 + 1e-3);
if (Math.abs(plain - expected) > 1e-5 || !Number.isNaN(centered)) {
  console.error("The behaviour changed: the first step of centered rmsprop is not NaN");
  process.exit(1);
}
EOF
node run.mjs

#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: a layer that predicts can be trained. { scale: false } is a documented option of
# batchNormalization, and usual before a ReLU.
# Actual: predict() works, and fit() fails in its first backward pass.
# Seen: scale true: trained; scale false: Cannot read properties of undefined (reading 'read')
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

async function train(scale) {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 2, inputShape: [2] }),
      tf.layers.batchNormalization({ scale }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ loss: "meanSquaredError", optimizer: "sgd" });
  model.predict(tf.ones([2, 2])).dataSync();
  try {
    await model.fit(tf.ones([2, 2]), tf.ones([2, 1]), { verbose: 0 });
    return "trained";
  } catch (error) {
    return error.message;
  }
}
const [scaled, plain] = [await train(true), await train(false)];
console.log(`scale true: ${scaled}; scale false: ${plain}`);
if (scaled !== "trained" || !plain.startsWith("Cannot read properties of undefined")) {
  console.error("The behaviour changed: batchNormalization with scale false can be trained");
  process.exit(1);
}
EOF
node run.mjs

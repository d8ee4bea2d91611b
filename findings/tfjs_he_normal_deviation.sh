#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: tf.initializers.heNormal gives weights of standard deviation sqrt(2 / fanIn), as its
# documentation says and as Keras does, which divides by the truncated normal's own deviation.
# Actual: sqrt(2 / fanIn) is the deviation before everything beyond two of it is cut off, after which
# 0.8796 of it are left. glorotNormal and leCunNormal do the same.
# Seen: 0.881 of the promised deviation
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const fanIn = 500;
const weights = tf.initializers.heNormal({ seed: 3 }).apply([fanIn, 1000]);
const ratio = tf.moments(weights).variance.sqrt().dataSync()[0] / Math.sqrt(2 / fanIn);
console.log(`${ratio.toFixed(3)} of the promised deviation`);
// 500,000 draws: the ratio's own deviation is about 0.001.
if (Math.abs(ratio - 0.8796) > 0.01) {
  console.error("The behaviour changed: heNormal does not have 0.88 of its promised deviation");
  process.exit(1);
}
EOF
node run.mjs

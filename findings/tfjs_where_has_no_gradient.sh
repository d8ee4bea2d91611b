#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: a condition is piecewise constant, so that tf.where(x.greater(0), ...) can be
# differentiated by x, as in TensorFlow, PyTorch and JAX.
# Actual: as soon as the condition is computed from what is differentiated, the gradient throws.
# Seen: "Cannot compute gradient: gradient function not found for Greater."
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const x = tf.tensor1d([-1, 2]);
const condition = x.greater(0);
const f = (c) => (x) => tf.where(c(x), x.square(), x).sum();
console.log(`condition from outside: ${tf.grad(f(() => condition))(x).dataSync().join(" ")}`);
let message = "";
try {
  tf.grad(f((x) => x.greater(0)))(x);
} catch (error) {
  message = error.message;
}
console.log(`condition from x: ${message}`);
if (!message.includes("gradient function not found for Greater")) {
  console.error("The behaviour changed: a condition computed from x can be differentiated");
  process.exit(1);
}
EOF
node run.mjs

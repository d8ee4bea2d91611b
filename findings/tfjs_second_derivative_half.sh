#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: tf.grad of tf.grad is the second derivative, or throws where an operation has none.
# Actual: tf.exp saves its output for its gradient, and what depends on the input through the saved
# output is not differentiated. Alone, exp throws; within another function it is silently wrong. The
# second derivative of exp(x)^2 comes out as half of 4 exp(2x).
# Seen, at 0.5: (exp(x)^2)'' 5.4366, exact 10.8731; exp(x)'': "Cannot compute gradient of y=f(x) with
# respect to x. Make sure that the f you passed encloses all operations that lead from x to y."
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const second = (f) => tf.grad((x) => tf.grad(f)(x))(tf.scalar(0.5)).dataSync()[0];
const value = second((x) => x.exp().square());
const exact = 4 * Math.exp(1);
console.log(`(exp(x)^2)'' ${value.toFixed(4)}, exact ${exact.toFixed(4)}`);
let message = "";
try {
  second((x) => x.exp());
} catch (error) {
  message = error.message;
}
console.log(`exp(x)'': ${message}`);
if (Math.abs(value - exact / 2) > 1e-4 || !message.startsWith("Cannot compute gradient")) {
  console.error("The behaviour changed: the second derivative is not half of the exact one");
  process.exit(1);
}
EOF
node run.mjs

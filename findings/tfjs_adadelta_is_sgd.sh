#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: tf.train.adadelta adapts its steps (Zeiler 2012), so that it and tf.train.sgd with
# the same learning rate part after the first steps. By Zeiler's rule with rho 0.95, epsilon 1e-3 and
# rate 1 the weight 1 is at 0.858541 after the gradients 0.5, -1.2, 0.3, 2, -0.7.
# Actual: both of its averages stay equal and cancel; every step is plain gradient descent.
# Seen: adadelta 0.1000, sgd 0.1000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

const gradients = [0.5, -1.2, 0.3, 2, -0.7];
function train(optimizer) {
  const w = tf.variable(tf.scalar(1));
  for (const g of gradients) optimizer.minimize(() => w.mul(g), false, [w]);
  return w.dataSync()[0];
}
function zeiler(rho, epsilon) {
  let [w, squares, steps] = [1, 0, 0];
  for (const g of gradients) {
    squares = rho * squares + (1 - rho) * g * g;
    const step = Math.sqrt((steps + epsilon) / (squares + epsilon)) * g;
    steps = rho * steps + (1 - rho) * step * step;
    w -= step;
  }
  return w;
}
const adadelta = train(tf.train.adadelta(1, 0.95, 1e-3));
const sgd = train(tf.train.sgd(1));
console.log(`adadelta ${adadelta.toFixed(4)}, sgd ${sgd.toFixed(4)}`);
console.log(`by the paper ${zeiler(0.95, 1e-3).toFixed(6)}`);
if (Math.abs(adadelta - sgd) > 1e-6 || Math.abs(zeiler(0.95, 1e-3) - adadelta) < 0.5) {
  console.error("The behaviour changed: adadelta does not equal gradient descent");
  process.exit(1);
}
EOF
node run.mjs

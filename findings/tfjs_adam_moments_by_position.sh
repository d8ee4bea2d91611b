#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20, backend cpu.
#
# Expected by most: Adam's moments belong to a variable, whatever the order in which the variables are
# listed; they are named after it ("a/m", "a/v").
# Actual: moments are kept by position in the list. Listing b before a in the second step gives a the
# moments of b and the other way round, without a word. The same happens when a layer is frozen.
# Seen: same order a -0.0200, b -0.0200; other order a -0.0168, b -0.0175
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
await tf.setBackend("cpu");

function train(orders) {
  const variables = { a: tf.variable(tf.scalar(0)), b: tf.variable(tf.scalar(0)) };
  const optimizer = tf.train.adam(0.01, 0.9, 0.999, 1e-8);
  const loss = () => variables.a.add(variables.b.mul(100));
  for (const order of orders) {
    optimizer.minimize(loss, false, [...order].map((name) => variables[name]));
  }
  return Object.values(variables).map((v) => v.dataSync()[0]);
}
const [same, other] = [train(["ab", "ab"]), train(["ab", "ba"])];
const show = ([a, b]) => `a ${a.toFixed(4)}, b ${b.toFixed(4)}`;
console.log(`same order ${show(same)}; other order ${show(other)}`);
// Constant gradients: each step of Adam is one learning rate.
const right = same.every((value) => Math.abs(value + 0.02) < 1e-4);
if (!right || other.every((value, i) => Math.abs(value - same[i]) < 1e-3)) {
  console.error("The behaviour changed: the order of the variables does not matter");
  process.exit(1);
}
EOF
node run.mjs

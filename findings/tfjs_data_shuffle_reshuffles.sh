#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0, Node.js 20.
#
# Expected by most: dataset.shuffle(size, seed, false) gives the same order in every pass, since its last
# argument is reshuffleEachIteration.
# Actual: every pass has another order; only the sequence of orders is repeatable.
# Seen: pass 1: 5 7 6 0 4 1 3 2; pass 2: 7 0 6 5 1 2 4 3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";

const make = () => tf.data.array([0, 1, 2, 3, 4, 5, 6, 7]).shuffle(8, "5", false);
const dataset = make();
const passes = [await dataset.toArray(), await dataset.toArray()].map((order) => order.join(" "));
console.log(`pass 1: ${passes[0]}; pass 2: ${passes[1]}`);
const again = (await make().toArray()).join(" ");
if (passes[0] === passes[1] || again !== passes[0]) {
  console.error("The behaviour changed: both passes have the same order, or the seed does nothing");
  process.exit(1);
}
EOF
node run.mjs

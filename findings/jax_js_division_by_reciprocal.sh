#!/usr/bin/env bash
# @jax-js/jax 0.1.25, Node.js 20, backends cpu and wasm.
#
# Expected by most: x / y is the float32 nearest to the quotient, as in NumPy; 41 / 41 is 1.
# Actual: x times the rounded reciprocal of y: often the neighbour of the quotient, and infinite where the
# reciprocal overflows, for y below 2⁻¹²⁸.
# Seen: 41 / 41 = 0.9999999403953552, 3 / 7 = 0.4285714626312256 (nearest 0.4285714328289032),
# 1e-39 / 1e-39 = Infinity
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @jax-js/jax@0.1.25
cat >run.mjs <<'EOF'
import { init, numpy as np } from "@jax-js/jax";
await init("cpu", "wasm");

const quotient = (x, y) =>
  np.array(Float32Array.of(x, 1)).div(np.array(Float32Array.of(y, 2))).dataSync()[0];
const pairs = [[41, 41], [3, 7], [1e-39, 1e-39]];
const results = pairs.map(([x, y]) => [quotient(x, y), Math.fround(Math.fround(x) / Math.fround(y))]);
pairs.forEach(([x, y], i) => console.log(`${x} / ${y} = ${results[i][0]}, nearest ${results[i][1]}`));
if (results.some(([found, nearest]) => found === nearest)) {
  console.error("The behaviour changed: these quotients were not those nearest");
  process.exit(1);
}
EOF
node run.mjs

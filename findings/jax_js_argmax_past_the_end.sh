#!/usr/bin/env bash
# @jax-js/jax 0.1.25, Node.js 20, backends cpu and wasm.
#
# Expected by most: argmax gives an index of the array; with a NaN that of the NaN, as in NumPy and JAX.
# Actual: no element equals the maximum, which is NaN, and the index is the array's length.
# Seen: argmax([1, NaN, 3]) = 3, argmax([1, 2, 3]) = 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @jax-js/jax@0.1.25
cat >run.mjs <<'EOF'
import { init, numpy as np } from "@jax-js/jax";
await init("cpu", "wasm");

const [withNaN, without] = [[1, NaN, 3], [1, 2, 3]].map((x) => np.argmax(np.array(x)).js());
console.log(`argmax([1, NaN, 3]) = ${withNaN}, argmax([1, 2, 3]) = ${without}`);
if (withNaN !== 3 || without !== 2) {
  console.error("The behaviour changed: argmax with a NaN is not the length");
  process.exit(1);
}
EOF
node run.mjs

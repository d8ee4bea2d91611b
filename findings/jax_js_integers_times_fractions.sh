#!/usr/bin/env bash
# @jax-js/jax 0.1.25, Node.js 20, backends cpu and wasm.
#
# Expected by most: an int32 array times 0.5 becomes floating point, as in NumPy and JAX.
# Actual: the number is brought to the array's type, that is, cut off before the product: times 1.5
# leaves everything as it is, times 0.5 gives zeros.
# Seen: [1,2,3] * 1.5 = [1,2,3], arange(4) * 0.5 = [0,0,0,0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @jax-js/jax@0.1.25
cat >run.mjs <<'EOF'
import { init, numpy as np } from "@jax-js/jax";
await init("cpu", "wasm");

const products = [
  np.array([1, 2, 3], { dtype: np.int32 }).mul(1.5).js(),
  np.arange(4).mul(0.5).js(),
].map((values) => JSON.stringify(values));
console.log(`[1,2,3] * 1.5 = ${products[0]}, arange(4) * 0.5 = ${products[1]}`);
if (products.join(" ") !== "[1,2,3] [0,0,0,0]") {
  console.error("The behaviour changed: products of integers and fractions are not those seen");
  process.exit(1);
}
EOF
node run.mjs

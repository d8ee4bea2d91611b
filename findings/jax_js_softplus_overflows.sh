#!/usr/bin/env bash
# @jax-js/jax 0.1.25, Node.js 20, backends cpu and wasm.
#
# Expected by most: softplus(z) = log(1 + eᶻ) is about z for large z and its derivative 1, and about eᶻ for
# very negative z, as in jax.nn.softplus.
# Actual: beyond 88 the exponential overflows: the value is infinite, the derivative NaN; below −17 the
# value is 0.
# Seen: softplus(90) = Infinity, derivative NaN; softplus(-40) = 0 (4.2e-18)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @jax-js/jax@0.1.25
cat >run.mjs <<'EOF'
import { grad, init, nn, numpy as np } from "@jax-js/jax";
await init("cpu", "wasm");

const at = () => np.array(Float32Array.of(90, -40));
const [large, small] = nn.softplus(at()).js();
const [derivative] = grad((z) => nn.softplus(z).sum())(at()).js();
console.log(`softplus(90) = ${large}, derivative ${derivative}; softplus(-40) = ${small}`);
if (large !== Infinity || !Number.isNaN(derivative) || small !== 0) {
  console.error("The behaviour changed: softplus does not overflow as it did");
  process.exit(1);
}
EOF
node run.mjs

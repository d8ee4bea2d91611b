#!/usr/bin/env bash
# optax 0.2.8 with jax 0.10.0 (PyPI).
#
# Expected by most: amsgrad is one method; optax and PyTorch give the same steps. PyTorch keeps the maximum
# of the second moment v as Reddi, Kale and Kumar (2018) have it, and corrects its bias afterwards.
# Actual: optax keeps the maximum of the corrected v. The first squared gradient, whose correction is the
# largest, then rules for long: a large first gradient makes all later steps shorter.
# Seen, gradients 1, 0.1, 0.1, 0.1, 0.1, rate 0.01, from 1: optax 0.97570; maximum before the correction
# 0.96517, after it 0.97570
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check jax==0.10.0 optax==0.2.8
cat >run.py <<'EOF'
import sys

import jax
import jax.numpy as jnp
import optax

jax.config.update("jax_enable_x64", True)
gradients = [1.0, 0.1, 0.1, 0.1, 0.1]


def by_optax():
    x = jnp.array(1.0)
    optimizer = optax.amsgrad(0.01)
    state = optimizer.init(x)
    for g in gradients:
        update, state = optimizer.update(jnp.array(g), state, x)
        x = optax.apply_updates(x, update)
    return float(x)


def by_hand(corrected_first):
    x, m, v, largest = 1.0, 0.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        correction = 1 - 0.999**t
        largest = max(largest, v / correction if corrected_first else v)
        denominator = largest if corrected_first else largest / correction
        x -= 0.01 * m / (1 - 0.9**t) / (denominator**0.5 + 1e-8)
    return x


optax_x, before, after = by_optax(), by_hand(False), by_hand(True)
print(f"optax {optax_x:.5f}; maximum before the correction {before:.5f}, after it {after:.5f}")
if abs(optax_x - after) > 1e-9 or abs(before - after) < 0.01:
    sys.exit("The behaviour changed: optax.amsgrad does not take the maximum after the correction")
EOF
python/bin/python run.py

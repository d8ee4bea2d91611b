#!/usr/bin/env bash
# safetensors 0.8.0 (PyPI) with numpy 2.4.6.
#
# Expected by most: safetensors.numpy.save(), then load(), gives back the values, or save() refuses an array
# that is not contiguous, as safetensors.torch does.
# Actual: a transposed array (weights turned from one framework's layout to another's) is written in the
# order of its memory under its transposed shape: other numbers, no error.
# Seen: [[0, 3], [1, 4], [2, 5]] comes back as [[0, 1], [2, 3], [4, 5]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat >run.py <<'EOF'
import sys

import numpy as np
from safetensors.numpy import load, save

weights = np.arange(6, dtype=np.float32).reshape(2, 3).T
back = load(save({"weights": weights}))["weights"]
kept = load(save({"weights": np.ascontiguousarray(weights)}))["weights"]
print(f"{weights.tolist()} comes back as {back.tolist()}, contiguous as {kept.tolist()}")
if back.tolist() != [[0, 1], [2, 3], [4, 5]] or not np.array_equal(kept, weights):
    sys.exit("The behaviour changed: the transposed array does not come back as seen")
EOF
python/bin/python run.py

#!/usr/bin/env bash
# onnx 1.22.0 (PyPI), its reference evaluator.
#
# Expected by most: the first step of ai.onnx.preview.training's Adam moves x by the learning rate. Its input
# T is "the number of training iterations conducted", which is 0 before the first one.
# Actual: at T = 0 there is no bias correction at all (the specification has it so, too) and the first
# step is sqrt(10) times too long; T has to be counted from 1.
# Seen, x = 1, gradient 1, rate 0.1: T = 0: 0.6838, T = 1: 0.9000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check onnx==1.22.0
cat >run.py <<'EOF'
import sys

import numpy as np
import onnx.checker
import onnx.parser
from onnx.reference import ReferenceEvaluator

model = onnx.parser.parse_model("""
<ir_version: 10, opset_import: ["": 18, "ai.onnx.preview.training": 1]>
g (float rate, int64 t, float[1] x, float[1] gradient, float[1] v, float[1] h)
    => (float[1] x1, float[1] v1, float[1] h1) {
  x1, v1, h1 = ai.onnx.preview.training.Adam
      <alpha = 0.9, beta = 0.999, epsilon = 0.00000001> (rate, t, x, gradient, v, h)
}
""")
onnx.checker.check_model(model, full_check=True)
one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
feeds = {"rate": np.float32(0.1), "x": one, "gradient": one, "v": zero, "h": zero}
first, second = (
    ReferenceEvaluator(model).run(None, {**feeds, "t": np.int64(t)})[0].item() for t in (0, 1)
)
print(f"T = 0: {first:.4f}, T = 1: {second:.4f}")
# (1 - 0.9) / sqrt(1 - 0.999) = sqrt(10)
if abs(first - (1 - 0.1 * 10**0.5)) > 1e-4 or abs(second - 0.9) > 1e-4:
    sys.exit("The behaviour changed: Adam's first steps are not those seen")
EOF
python/bin/python run.py

#!/usr/bin/env bash
# onnx 1.22.0 (PyPI); run by onnxruntime 1.32.0.
#
# Expected by most: onnx.version_converter keeps what a model computes.
# Actual: Resize of operator set 10 is x_original = x_resized / scale ("asymmetric"), the default of 11 and
# later is "half_pixel", and the converter sets nothing. Linear upsampling gives other numbers, the checker
# is content.
# Seen, 0 1 to twice the width: set 10: 0 0.5 1 1; converted to 13: 0 0.25 0.75 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check onnx==1.22.0 onnxruntime==1.32.0
cat >run.py <<'EOF'
import sys

import numpy as np
import onnx.checker
import onnx.parser
import onnx.version_converter
import onnxruntime

model = onnx.parser.parse_model("""
<ir_version: 8, opset_import: ["": 10]>
g (float[1,1,1,2] x) => (float[1,1,1,4] y) <float[4] scales = {1, 1, 1, 2}> {
  y = Resize <mode = "linear"> (x, scales)
}
""")
converted = onnx.version_converter.convert_version(model, 13)
results = []
for m in (model, converted):
    onnx.checker.check_model(m, full_check=True)
    session = onnxruntime.InferenceSession(
        m.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.array([[[[0, 1]]]], np.float32)
    results.append(session.run(None, {"x": x})[0].ravel().tolist())
print(f"set 10: {results[0]}; converted to 13: {results[1]}")
if results != [[0, 0.5, 1, 1], [0, 0.25, 0.75, 1]]:
    sys.exit("The behaviour changed: the converted model does not compute what was seen")
EOF
python/bin/python run.py

#!/usr/bin/env bash
# onnxruntime 1.32.0 (PyPI), provider CPU.
#
# Expected by most: an operator that runs at operator set 24 runs at 25, where it is the same (Swish has one
# version, of 24). ONNX Runtime knows later sets than these and loads them.
# Actual: its kernel for Swish is registered for 24 alone.
# Seen: Swish at 24 runs, at 25 and 26 "Could not find an implementation for Swish(24)"; Relu runs at all
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
import onnxruntime


def outcome(op, opset):
    model = onnx.parser.parse_model(
        f'<ir_version: 11, opset_import: ["": {opset}]> g (float[1] x) => (float[1] y) {{ y = {op}(x) }}'
    )
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        return str(error).split(" : ")[-1]
    return session.run(None, {"x": np.ones(1, np.float32)})[0].round(4).tolist()


seen = {(op, opset): outcome(op, opset) for op in ("Swish", "Relu") for opset in (24, 25, 26)}
print(seen)
absent = "Could not find an implementation for Swish(24)"
if (
    abs(float(seen["Swish", 24][0]) - 0.7311) > 1e-3
    or not all(str(seen["Swish", opset]).startswith(absent) for opset in (25, 26))
    or not all(seen["Relu", opset] == [1.0] for opset in (24, 25, 26))
):
    sys.exit("The behaviour changed: Swish does not run at 24, or runs at 25 or 26")
EOF
python/bin/python run.py

#!/usr/bin/env bash
# onnxruntime 1.32.0 (PyPI), provider CPU.
#
# Expected by most: an operator without a kernel for a type is refused when the model is loaded, as RNN in
# double is; ONNX allows float, float16 and double for RNN, LSTM and GRU.
# Actual: LSTM and GRU in double load and fail in the first run.
# Seen: RNN: refused when loaded (NotImplemented); LSTM, GRU: loaded, then "LSTM operator does not support
# double yet" and "GRU operator does not support double yet"
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


def outcome(op, gates):
    model = onnx.parser.parse_model(f"""
    <ir_version: 8, opset_import: ["": 17]>
    g (double[2,1,3] x, double[1,{2 * gates},3] w, double[1,{2 * gates},2] r) => (double[2,1,1,2] y) {{
      y = {op} <hidden_size = 2> (x, w, r)
    }}
    """)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        return f"refused when loaded: {type(error).__name__}"
    feeds = {i.name: np.ones(i.shape) for i in session.get_inputs()}
    try:
        session.run(None, feeds)
    except Exception as error:
        return f"loaded, then: {str(error).split('Status Message: ')[-1]}"
    return "ran"


outcomes = {op: outcome(op, gates) for op, gates in (("RNN", 1), ("LSTM", 4), ("GRU", 3))}
print(outcomes)
if outcomes != {
    "RNN": "refused when loaded: NotImplemented",
    "LSTM": "loaded, then: LSTM operator does not support double yet",
    "GRU": "loaded, then: GRU operator does not support double yet",
}:
    sys.exit("The behaviour changed: recurrent operators in double are not refused as seen")
EOF
python/bin/python run.py

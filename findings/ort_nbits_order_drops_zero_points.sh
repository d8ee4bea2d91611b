#!/usr/bin/env bash
# onnxruntime 1.32.0 (PyPI), provider CPU, com.microsoft.MatMulNBits with 4 bits.
#
# Expected by most: the optional input g_idx, the block of scales that each column belongs to, changes
# nothing where it says what holds without it: column k of block k / block_size.
# Actual: with g_idx the zero points are left out: all are taken for 8, the middle of the range.
# Seen: weights (q − 3) · 0.5 of q = 5 are 1 without g_idx, and −1.5 = (5 − 8) · 0.5 with it. With all
# zero points 8 both are −1.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check onnx==1.22.0 onnxruntime==1.32.0
cat >run.py <<'EOF'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

K, N, block = 32, 4, 16


def first_row(zero, ordered):
    """Row 0 of the weights, as the product of a unit vector with them has it."""
    packed = {
        "b": np.full((N, K // block, block // 2), 5 | 5 << 4, np.uint8),
        "scales": np.full((N, K // block), 0.5, np.float32),
        "zeros": np.full((N, 1), zero | zero << 4, np.uint8),
        "order": (np.arange(K) // block).astype(np.int32),
    }
    inputs = ["a", "b", "scales", "zeros"] + (["order"] if ordered else [])
    node = helper.make_node(
        "MatMulNBits", inputs, ["y"], domain="com.microsoft", K=K, N=N, bits=4, block_size=block
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, N])],
        [numpy_helper.from_array(value, name) for name, value in packed.items() if name in inputs],
    )
    sets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    unit = np.eye(1, K, dtype=np.float32)
    return session.run(None, {"a": unit})[0][0].round(4).tolist()


seen = {(zero, ordered): first_row(zero, ordered) for zero in (3, 8) for ordered in (False, True)}
for (zero, ordered), row in seen.items():
    print(f"zero points {zero}, {'with' if ordered else 'without'} g_idx: {row}")
if seen != {(3, False): [1.0] * N, (3, True): [-1.5] * N, (8, False): [-1.5] * N, (8, True): [-1.5] * N}:
    sys.exit("The behaviour changed: zero points count with g_idx, or do not without")
EOF
python/bin/python run.py

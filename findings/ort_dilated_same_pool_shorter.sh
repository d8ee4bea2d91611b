#!/usr/bin/env bash
# onnx 1.23.2, onnxruntime 1.32.0, Python 3.11.
#
# Expected by most: pooling with auto_pad SAME_UPPER or SAME_LOWER and stride 1 gives as many elements
# as it gets, whatever the dilation; so say the standard, shape inference and onnx.reference.
# Actual: MaxPool and AveragePool of ONNX Runtime pad as if the window were not dilated, and give an
# output that is shorter by what the dilation adds, with a warning about the shape alone. (Conv refuses
# the two together.)
# Seen, MaxPool with windows of 3 and dilation 2 over 1 … 7: inferred length 7, reference
# [3, 4, 5, 6, 7, 6, 7], ONNX Runtime [4, 5, 6, 7, 6].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0
cat >run.py <<'EOF'
import sys
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

onnxruntime.set_default_logger_severity(3)
x = np.arange(1, 8, dtype=np.float32).reshape(1, 1, 7)


def pooled(op, auto_pad, dilation):
    node = helper.make_node(
        op, ["x"], ["y"], kernel_shape=[3], auto_pad=auto_pad, dilations=[dilation]
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["a", "b", "c"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    inferred = model.graph.output[0].type.tensor_type.shape.dim[2].dim_value
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return model, inferred, session.run(None, {"x": x})[0].ravel().tolist()


lengths = {}
for op in ("MaxPool", "AveragePool"):
    for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        for dilation in (1, 2):
            _, inferred, found = pooled(op, auto_pad, dilation)
            lengths[op, auto_pad, dilation] = (inferred, len(found))
            print(f"{op} {auto_pad} dilation {dilation}: inferred {inferred}, found {found}")
model, _, found = pooled("MaxPool", "SAME_UPPER", 2)
reference = ReferenceEvaluator(model).run(None, {"x": x})[0].ravel().tolist()
print(f"reference of MaxPool SAME_UPPER dilation 2: {reference}")
seen = all(
    both == ((7, 7) if dilation == 1 else (7, 5)) for (_, _, dilation), both in lengths.items()
)
if not seen or reference != [3, 4, 5, 6, 7, 6, 7] or found != [4, 5, 6, 7, 6]:
    sys.exit("The behaviour changed: lengths or values are not those seen")
EOF
venv/bin/python run.py

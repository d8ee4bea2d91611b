#!/usr/bin/env bash
# onnxruntime 1.32.0 (PyPI), provider CPU, sequential execution, optimizations off.
#
# Expected by most: nodes that do not depend on each other run in the order of the file.
# Actual: nodes whose outputs no other node reads, as those of gradients, are taken last in, first out. Where
# they stand in the file decides how long what they read is held, in the opposite way to what one expects.
# Seen: file n1 n2 n3 (all read x, all are outputs): executed n3 n2 n1; file order of a chain with side
# outputs n1 n2 n3 n4 n5: executed n1 n3 n5 n4 n2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check onnx==1.22.0 onnxruntime==1.32.0
cat >run.py <<'EOF'
import json
import sys

import numpy as np
import onnx.parser
import onnxruntime


def executed(graph):
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {graph}')
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    session.run(None, {"x": np.ones(2, np.float32)})
    with open(session.end_profiling()) as file:
        events = json.load(file)
    names = [event["name"] for event in events if event["cat"] == "Node"]
    return " ".join(n.removesuffix("_kernel_time") for n in names if n.endswith("_kernel_time"))


star = executed("""g (float[2] x) => (float[2] a, float[2] b, float[2] c) {
  [n1] a = Neg(x)
  [n2] b = Abs(x)
  [n3] c = Exp(x)
}""")
chain = executed("""g (float[2] x) => (float[2] a, float[2] b, float[2] c) {
  [n1] t = Neg(x)
  [n2] a = Abs(t)
  [n3] u = Exp(t)
  [n4] b = Abs(u)
  [n5] c = Neg(u)
}""")
print(f"star: {star}; chain: {chain}")
if (star, chain) != ("n3 n2 n1", "n1 n3 n5 n4 n2"):
    sys.exit("The behaviour changed: nodes run in another order")
EOF
python/bin/python run.py

#!/usr/bin/env bash
# onnxruntime-web 1.19.2 (the last one with training), Node.js 20; artifacts by onnxruntime-training 1.19.2
# (about 800 MB, Python 3.8 to 3.11).
#
# Expected by most: runTrainStep({ b, a, target }) and runEvalStep() take feeds by name, as
# InferenceSession.run() does.
# Actual: names are only checked to be there. The values are handed over in the order of the object's
# properties, which has to be that of the model's inputs; otherwise inputs of the same shape are
# exchanged without a word.
# Seen, loss = mean |b w - a - target|, inputs b, a, target: fed b, a, target 2.5; fed a, b, target 0.5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund onnxruntime-web@1.19.2
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check --no-cache-dir \
  onnxruntime-training==1.19.2 onnx==1.16.2 numpy==1.26.4
mkdir artifacts
cat >make.py <<'EOF'
import importlib.util
import os
import sys
import types

import onnx.parser

# The package's __init__ imports optimizers for PyTorch; the artifacts do without it.
package = types.ModuleType("onnxruntime.training")
home = importlib.util.find_spec("onnxruntime").submodule_search_locations[0]
package.__path__ = [os.path.join(home, "training")]
sys.modules[package.__name__] = package
from onnxruntime.training import artifacts

model = onnx.parser.parse_model("""
<ir_version: 8, opset_import: ["": 17]>
g (float[2,2] b, float[2,2] a) => (float[2,2] y) <float[2,2] w = {1, 2, 3, 4}> {
  p = MatMul(b, w)
  y = Sub(p, a)
}
""")
artifacts.generate_artifacts(
    model,
    requires_grad=["w"],
    loss=artifacts.LossType.L1Loss,
    optimizer=artifacts.OptimType.AdamW,
    artifact_directory="artifacts",
)
EOF
python/bin/python make.py >make.log 2>&1 || { cat make.log; exit 1; }
cat >run.mjs <<'EOF'
import { readFileSync } from "node:fs";
// The package exports its training build to browsers only.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.training.wasm.mjs";
ort.env.wasm.numThreads = 1;

const read = (name) => new Uint8Array(readFileSync(`artifacts/${name}`));
const session = await ort.TrainingSession.create({
  checkpointState: read("checkpoint"),
  trainModel: read("training_model.onnx"),
  evalModel: read("eval_model.onnx"),
  optimizerModel: read("optimizer_model.onnx"),
});
const matrix = (values) => new ort.Tensor("float32", values, [2, 2]);
const [b, a, target] = [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]].map(matrix);
const results = [];
for (const feeds of [{ b, a, target }, { a, b, target }]) {
  const { [session.trainingOutputNames[0]]: loss } = await session.runTrainStep(feeds);
  results.push(`fed ${Object.keys(feeds).join(", ")} ${loss.data[0]}`);
}
console.log(`inputs ${session.trainingInputNames.join(", ")}: ${results.join("; ")}`);
if (results.join("; ") !== "fed b, a, target 2.5; fed a, b, target 0.5") {
  console.error("The behaviour changed: the losses are not those seen");
  process.exit(1);
}
process.exit(0);
EOF
node run.mjs

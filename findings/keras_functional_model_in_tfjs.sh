#!/usr/bin/env bash
# keras 3.15.1 with jax 0.10.0 (PyPI), @tensorflow/tfjs 4.22.0, Node.js 20.
#
# Expected by most: tf.loadLayersModel(), made for Keras's models, takes the topology that Keras writes with
# to_json(), as it took that of Keras 2; or at least with the one attribute renamed (batch_shape to
# batch_input_shape) that its first message asks for.
# Actual: no model loads as it is. With the attribute renamed, sequential models load; functional ones
# do not, since their connections are written in another form.
# Seen: as written: sequential and functional "An InputLayer should be passed either a `batchInputShape` or
# an `inputShape`."; renamed: sequential loaded, functional "Corrupted configuration, expected array for
# nodeData: [object Object]"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.0
cat >make.py <<'EOF'
import keras

x = keras.Input((4,))
models = {
    "sequential": keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]),
    "functional": keras.Model(x, keras.layers.Dense(1)(x)),
}
for name, model in models.items():
    with open(f"{name}.json", "w") as file:
        file.write(model.to_json())
EOF
KERAS_BACKEND=jax python/bin/python make.py
cat >run.mjs <<'EOF'
import * as tf from "@tensorflow/tfjs";
import { readFileSync } from "node:fs";

async function outcome(name, change) {
  const modelTopology = JSON.parse(change(readFileSync(`${name}.json`, "utf8")));
  try {
    await tf.loadLayersModel({ load: () => Promise.resolve({ modelTopology }) });
    return "loaded";
  } catch (error) {
    return error.message;
  }
}
const asWritten = (text) => text;
const renamed = (text) => text.replaceAll('"batch_shape"', '"batch_input_shape"');
const seen = [];
for (const change of [asWritten, renamed]) {
  for (const name of ["sequential", "functional"]) {
    seen.push(await outcome(name, change));
    console.log(`${change.name}, ${name}: ${seen.at(-1)}`);
  }
}
const [sequential, functional, sequentialRenamed, functionalRenamed] = seen;
if (
  ![sequential, functional].every((message) => message.includes("An InputLayer should be passed")) ||
  sequentialRenamed !== "loaded" || !functionalRenamed.includes("Corrupted configuration")
) {
  console.error("The behaviour changed: models of Keras 3 are not refused as seen");
  process.exit(1);
}
EOF
node run.mjs

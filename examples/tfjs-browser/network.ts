import * as tf from "@tensorflow/tfjs-core";

/** Units of the hidden layers. */
const hidden = [32, 32];

/** The parameters of one layer; the names are those under which optimizers keep their state. */
export interface Layer {
  readonly name: string;
  readonly kernel: tf.Variable;
  readonly bias: tf.Variable;
}

/** A multilayer perceptron on the active backend, with one logit. */
export interface Network {
  readonly layers: readonly Layer[];
  readonly variables: readonly tf.Variable[];
  /** [B, 2] to [B]. */
  logits(x: tf.Tensor2D): tf.Tensor1D;
  dispose(): void;
}

/** Makes a network with drawn weights, or with those that `values` has by name. */
export function makeNetwork(values?: Readonly<Record<string, Float32Array>>): Network {
  const sizes = [2, ...hidden, 1];
  const layers = sizes.slice(1).map((outputs, k): Layer => {
    const name = ["input", "hidden", "output"][k]!;
    const inputs = sizes[k]!;
    const make = (kind: string, shape: number[], start: () => tf.Tensor) => {
      const saved = values?.[`${name}/${kind}`];
      const value = saved ? tf.tensor(saved, shape) : start();
      const variable = tf.variable(value, true, `${name}/${kind}`);
      value.dispose();
      return variable;
    };
    // The spirals are fine in the plane: the first layer starts steeper than usual.
    const deviation = (k === 0 ? 3 : 1) / Math.sqrt(inputs);
    return {
      name,
      kernel: make(
        "kernel",
        [inputs, outputs],
        () => tf.randomNormal([inputs, outputs], 0, deviation, "float32", 11 + k),
      ),
      bias: make(
        "bias",
        [outputs],
        () => tf.randomUniform([outputs], k === 0 ? -1 : 0, k === 0 ? 1 : 0, "float32", 21 + k),
      ),
    };
  });
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  return {
    layers,
    variables,
    logits: (x) =>
      layers.reduce((y: tf.Tensor, { kernel, bias }, k) => {
        const z = tf.add(tf.matMul(y as tf.Tensor2D, kernel as tf.Tensor2D), bias);
        return k < layers.length - 1 ? tf.tanh(z) : tf.reshape(z, [-1]);
      }, x) as tf.Tensor1D,
    dispose: () => tf.dispose([...variables]),
  };
}

import * as tf from "@tensorflow/tfjs-core";
import type { Layer } from "../../examples/tfjs-browser/network.ts";
import { layerNames } from "./lineup.ts";

/** A network of two hidden layers on the active backend. */
export interface Network {
  readonly layers: readonly Layer[];
  readonly variables: readonly tf.Variable[];
  /** [B, width] to [B, classes]. */
  logits(x: tf.Tensor): tf.Tensor;
  dispose(): void;
}

let made = 0;

/** Makes a network whose weights are drawn, the same for the same seed. */
export function makeNetwork(
  sizes: readonly [width: number, hidden: number, classes: number],
  seed: number,
): Network {
  const [width, hidden, classes] = sizes;
  const outputs = [hidden, hidden, classes];
  const run = made++; // tfjs wants the names of variables to be new
  const variable = (start: () => tf.Tensor, name: string) =>
    tf.tidy(() => tf.variable(start(), true, name));
  const layers = layerNames.map((name, k): Layer => {
    const shape: [number, number] = [k === 0 ? width : hidden, outputs[k]!];
    const deviation = Math.sqrt(1 / shape[0]);
    return {
      name,
      kernel: variable(
        () => tf.randomNormal(shape, 0, deviation, "float32", 1 + 10 * seed + k),
        `${name}/kernel/${run}`,
      ),
      // Spread, so that the units of the first layer bend at different places.
      bias: variable(
        () => tf.randomUniform([shape[1]], -1, 1, "float32", 5 + 10 * seed + k),
        `${name}/bias/${run}`,
      ),
    };
  });
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  return {
    layers,
    variables,
    logits: (x) =>
      layers.reduce((y: tf.Tensor, { kernel, bias }, k) => {
        const z = tf.add(tf.matMul(y as tf.Tensor2D, kernel as unknown as tf.Tensor2D), bias);
        return k < layers.length - 1 ? tf.tanh(z) : z;
      }, x),
    dispose: () => tf.dispose([...variables]),
  };
}

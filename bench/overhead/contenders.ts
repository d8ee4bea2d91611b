/** @module */
import {
  adam,
  type Definition,
  precond,
  sgd,
  signalNewton,
  snrOnly,
  userCurvature,
} from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";

/** Arrays of n parameters in equal variables, and gradients for them that stay the same. */
export interface Parameters {
  readonly variables: readonly tf.Variable[];
  readonly gradients: tf.NamedTensorMap;
}

/** An optimizer that is timed. */
export interface Contender {
  readonly name: string;
  /** What it updates, in this order. */
  readonly variables: readonly tf.Variable[];
  /** One update with ready gradients. */
  step(): void;
  /** One update that takes in a curvature sample, if it uses any. */
  refresh?(): void;
  /** Bytes that one update cannot avoid reading and writing, per parameter; ours only. */
  readonly bytes?: number;
  dispose(): void;
}

/** Numbers of the size of gradients, the same for every contender. */
export function gradientTensors(count: number, variables: number): tf.Tensor[] {
  const size = Math.floor(count / variables);
  return Array.from({ length: variables }, (_, v) => {
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i + v) / 10);
    return tf.keep(tf.tensor1d(values));
  });
}

function parametersOf(gradients: readonly tf.Tensor[]): Parameters {
  const variables = gradients.map(({ shape }) =>
    tf.tidy(() => tf.variable(tf.fill(shape, 0.5)))
  ) as tf.Variable[];
  return {
    variables,
    gradients: Object.fromEntries(variables.map(({ name }, i) => [name, gradients[i]!])),
  };
}

function host(name: string, optimizer: tf.Optimizer, gradients: readonly tf.Tensor[]): Contender {
  const own = parametersOf(gradients);
  const named = Object.entries(own.gradients).map(([name, tensor]) => ({ name, tensor }));
  return {
    name,
    variables: own.variables,
    step: () => optimizer.applyGradients(named),
    dispose() {
      optimizer.dispose();
      tf.dispose([...own.variables]);
    },
  };
}

function ours(
  name: string,
  definition: Definition,
  bytes: number,
  gradients: readonly tf.Tensor[],
): Contender {
  const own = parametersOf(gradients);
  const optimizer = precond(definition);
  const curvature = definition.curvature && {
    curvature: Object.fromEntries(
      Object.entries(own.gradients).map(([key, g]) => [
        key,
        tf.keep(tf.tidy(() => tf.square(g))),
      ]),
    ),
  };
  if (curvature) optimizer.applyGradients(own.gradients, curvature);
  return {
    name,
    bytes,
    variables: own.variables,
    step: () => optimizer.applyGradients(own.gradients),
    ...(curvature ? { refresh: () => optimizer.applyGradients(own.gradients, curvature) } : {}),
    dispose() {
      optimizer.dispose();
      tf.dispose([...own.variables]);
      if (curvature) tf.dispose(curvature.curvature);
    },
  };
}

/** The methods of ours that are timed. */
export function ourContenders(gradients: readonly tf.Tensor[]): Contender[] {
  const rate = { learningRate: 1e-3 };
  const both = signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    ...rate,
    weightDecay: 0.01,
    // The benchmark brings samples itself, at the moments that it times.
    curvature: userCurvature({ every: 1_000_000_000 }),
  });
  return [
    ours("sgd momentum", sgd({ ...rate, momentum: 0.9 }), 20, gradients), // r w,g,a  w w,a
    ours("adam", adam({ ...rate, epsilon: 1e-7 }), 28, gradients), // r w,g,m,v  w w,m,v
    ours("snrOnly", snrOnly(), 36, gradients), // r w,g,m,v,a  w w,m,v,a
    ours("combined", both, 40, gradients), // r w,g,m,d,h,a  w w,m,d,a
  ];
}

/** What they are compared with. */
export function hostContenders(gradients: readonly tf.Tensor[]): Contender[] {
  return [
    host("tf.train.adam", tf.train.adam(1e-3, 0.9, 0.999, 1e-7), gradients),
    host("tf.train.momentum", tf.train.momentum(1e-3, 0.9), gradients),
  ];
}

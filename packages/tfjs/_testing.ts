/**
 * Helpers of this package's tests.
 *
 * @module
 */
import {
  checkConformance,
  type ConformanceCase,
  type Subject,
  type SubjectFactory,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as layers from "@tensorflow/tfjs-layers";
import {
  type Definition,
  evidenceLoss,
  gaussNewton,
  precond,
  type PrecondOptimizer,
  type PrecondOptions,
  signalNewton,
} from "./mod.ts";

/**
 * The cpu backend under a name that no fused kernel knows, so that updates run as plain tf ops:
 * what happens on every backend without fused kernels.
 */
export const opsBackend: string = "plain";
tf.copyRegisteredKernels("cpu", opsBackend);
tf.registerBackend(opsBackend, () => {
  const Cpu = (tf.findBackendFactory("cpu")() as tf.KernelBackend).constructor;
  return new (Cpu as new () => tf.KernelBackend)();
});

/** Backends with their own way of updating. */
export const backends: readonly string[] = ["cpu", "wasm", opsBackend];

/** A subject that steps tf variables through `applyGradients`. */
export const tfSubject: SubjectFactory = (definition, parameters): Subject => {
  const optimizer = precond(definition);
  const variables = new Map(
    Object.entries(parameters).map(([name, { shape, weights }]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(weights, [...shape], "float32"), true, name)),
    ]),
  );
  return {
    async step({ evidence, microBatches, batchSize }) {
      const pick = (kind: "gradient" | "curvature" | "gradientSquares") =>
        Object.fromEntries(
          Object.entries(evidence).flatMap(([name, e]) =>
            e[kind] ? [[name, tf.tensor(e[kind]!, [...parameters[name]!.shape], "float32")]] : []
          ),
        );
      const [gradients, curvature, gradientSquares] = [
        pick("gradient"),
        pick("curvature"),
        pick("gradientSquares"),
      ];
      const has = (map: tf.NamedTensorMap) => Object.keys(map).length > 0;
      optimizer.applyGradients(gradients, {
        ...(has(curvature) ? { curvature } : {}),
        ...(has(gradientSquares) ? { gradientSquares } : {}),
        microBatches,
        batchSize,
      });
      tf.dispose([gradients, curvature, gradientSquares]);
      // As any loop does: what the device was asked for is there after this.
      await [...variables.values()][0]!.data();
    },
    async weights() {
      const entries = [...variables].map(async ([name, v]) => [name, await v.data()]);
      return Object.fromEntries(await Promise.all(entries));
    },
    dispose() {
      optimizer.dispose();
      for (const v of variables.values()) v.dispose();
    },
  };
};

/** Runs a case on a backend and checks that no tensor is left. */
export async function conform(
  backend: string,
  test: ConformanceCase,
  steps = 50,
): Promise<void> {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  await checkConformance(test, tfSubject, { steps });
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${test.name} on ${backend} left ${left} tensors`);
}

/** Likewise; false if its updates were arithmetic in plain tf ops, true if fused. */
export async function conformFused(
  backend: string,
  test: ConformanceCase,
  steps: number,
): Promise<boolean> {
  const engine = tf.engine();
  const { runKernel } = engine;
  const launched = new Set<string>();
  engine.runKernel = (...args) => {
    launched.add(args[0]);
    return runKernel.apply(engine, args) as never;
  };
  try {
    await conform(backend, test, steps);
  } finally {
    engine.runKernel = runKernel;
  }
  return !launched.has("Multiply");
}

/** What a function returns, and how many tensors it leaves besides. */
export function leaked(f: () => void): number {
  const before = tf.memory().numTensors;
  f();
  return tf.memory().numTensors - before;
}

/** A softmax regression of four inputs and three classes, always from the same weights. */
export function softmaxModel(regularized = false): layers.Sequential {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 });
  const kernelRegularizer = regularized ? layers.regularizers.l2({ l2: 0.1 }) : undefined;
  return layers.sequential({
    layers: [layers.layers.dense({
      units: 3,
      activation: "softmax",
      inputShape: [4],
      kernelInitializer,
      ...(kernelRegularizer ? { kernelRegularizer } : {}),
    })],
  });
}

/** Normal inputs [n, 4] and one-hot labels [n, 3], always the same. */
export function threeClasses(n: number): { x: tf.Tensor; y: tf.Tensor } {
  const x = tf.randomNormal([n, 4], 0, 1, "float32", 1);
  const y = tf.tidy(() => tf.oneHot(tf.argMax(tf.slice(x, [0, 0], [n, 3]), 1) as tf.Tensor1D, 3));
  return { x, y };
}

/** One epoch in batches of eight, the same ones each time. */
export const fitOptions: { epochs: 1; batchSize: 8; shuffle: false; verbose: 0 } = {
  epochs: 1,
  batchSize: 8,
  shuffle: false,
  verbose: 0,
};

/** A chain that asks for curvature every so often, and for squares on each step. */
export function both(every: number): Definition {
  return signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.05,
    curvature: gaussNewton({ every }),
    from: "gradientSquares",
  });
}

/** A compiled classifier that gives every kind of evidence, with metrics on. */
export function compiled(
  definition: Definition,
  options: PrecondOptions = {},
  model: layers.Sequential = softmaxModel(),
): { model: layers.Sequential; optimizer: PrecondOptimizer } {
  const optimizer = precond(definition, options);
  const loss = evidenceLoss("categoricalCrossentropy");
  model.compile({ optimizer, loss, metrics: ["accuracy"] });
  return { model, optimizer };
}

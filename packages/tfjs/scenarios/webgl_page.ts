/**
 * The page of webgl_browser_test.ts: updates drawn on tfjs's own textures.
 *
 * @module
 */
import { assertAllClose, checkNonFinite, nonFiniteCases, random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import {
  adam,
  chain,
  combined,
  type Definition,
  learningRate,
  momentum,
  perParameter,
  precond,
  scaleBy,
  signalFraction,
  signalNewton,
  skipNonFinite,
  userCurvature,
} from "../mod.ts";
import { tfSubject } from "../_testing.ts";
import { conformance, start } from "./backends_page.ts";

/** Starts webgl without its detour over the CPU for small tensors. */
export async function startWebgl(): Promise<void> {
  await start("webgl");
  tf.env().set("WEBGL_CPU_FORWARD", false);
}

interface Backend {
  readonly gpgpu: { readonly gl: WebGL2RenderingContext };
  readonly textureManager: { getNumUsedTextures(): number };
  readonly texData: { get(id: object): { isPacked?: boolean; slice?: object | null } };
  unpackTensor(info: tf.TensorInfo): tf.TensorInfo;
}

const normals = (seed: number) => {
  const { normal } = random(seed);
  return (size: number) => Float32Array.from({ length: size }, normal);
};

const ramp = (size: number) => Float32Array.from({ length: size }, (_, i) => i + 1);

const webgl = () => tf.findBackend("webgl") as unknown as Backend;

/** Draws of ours while `body` runs: tfjs draws indexed elements. */
async function drawsIn(body: () => unknown): Promise<number> {
  const { gl } = webgl().gpgpu;
  const { drawArrays } = gl;
  let count = 0;
  gl.drawArrays = (...args) => {
    count++;
    drawArrays.apply(gl, args);
  };
  try {
    await body();
  } finally {
    gl.drawArrays = drawArrays;
  }
  return count;
}

/** Runs a conformance case and counts the draws of ours, which the context may be made to forbid. */
export function drawsOf(name: string, steps: number, forbidden: boolean): Promise<number> {
  const { gl } = webgl().gpgpu;
  // An own property hides the method, which tfjs does not use.
  if (forbidden) Object.defineProperty(gl, "drawBuffers", { value: 0, configurable: true });
  return drawsIn(async () => {
    if (!(await conformance("webgl", name, steps))) throw new Error("the update was plain tf ops");
  }).finally(() => {
    if (forbidden) delete (gl as { drawBuffers?: unknown }).drawBuffers;
  });
}

/** Gradients that are not finite, or huge, or vanish: what the reference says. */
export async function extremes(name: string): Promise<void> {
  await checkNonFinite(nonFiniteCases.find((test) => test.name === name)!, tfSubject);
}

/** Steps of several groups, one of them in a basis, on both backends. */
export async function groups(): Promise<void> {
  const shapes: Readonly<Record<string, number[]>> = { kernel: [5, 4], bias: [4], scale: [] };
  const found: Float32Array[][] = [];
  for (const backend of ["cpu", "webgl"]) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const variables = Object.entries(shapes).map(([name, shape]) =>
      tf.tidy(() => tf.variable(tf.ones(shape), true, name))
    );
    const optimizer = precond(perParameter([
      { match: "bias", chain: adam({ learningRate: 0.1 }) },
      { match: /./, chain: combined({ basis: { every: 2, sides: "both" } }) },
    ]));
    const next = normals(11);
    const values: Float32Array[] = [];
    for (let step = 0; step < 6; step++) {
      tf.tidy(() =>
        optimizer.applyGradients(Object.fromEntries(
          Object.entries(shapes).map(([name, shape]) => [
            name,
            tf.tensor(next(tf.util.sizeFromShape(shape)), shape),
          ]),
        ))
      );
      values.push(...await Promise.all(variables.map(async (v) => (await v.data()).slice())) as []);
    }
    if (values.some((v) => v.some(Number.isNaN))) throw new Error("NaN");
    found.push(values);
    optimizer.dispose();
    tf.dispose(variables);
    if (tf.memory().numTensors !== before) throw new Error(`tensors are left on ${backend}`);
  }
  found[1]!.forEach((values, i) =>
    // The eigenvectors of the first two steps are the identity on both.
    i < 6 && assertAllClose(values, found[0]![i]!, { relative: 2e-4, absolute: 2e-5 }, `${i}`)
  );
}

const definitions: Readonly<Record<string, () => Definition>> = {
  adam: () => adam({ learningRate: 0.1 }),
  rows: () =>
    chain(
      scaleBy(signalFraction({ pool: "row", scale: "unit-norm", decay: 0.8 })),
      momentum({ decay: 0.5 }),
      learningRate(0.1),
    ),
  tensor: () =>
    chain(
      skipNonFinite({ scope: "tensor" }),
      scaleBy(signalFraction({ pool: "tensor", exponent: 0.5 })),
      learningRate(0.1),
    ),
};

/** Ways for a gradient to lie in textures. */
const lies: Readonly<Record<string, (values: Float32Array, shape: number[]) => tf.Tensor>> = {
  uploaded: (values, shape) => tf.tensor(values, shape),
  // Adds the scalar to all lanes of a texel, but 1 is taken away from elements only.
  packed: (values, shape) => tf.sub(tf.add(tf.tensor(values, shape), 1), tf.ones(shape)),
  unpacked: (values, shape) =>
    tf.engine().makeTensorFromTensorInfo(webgl().unpackTensor(lies.packed!(values, shape))),
  reshaped: (values, shape) => tf.reshape(lies.packed!(values, [values.length]), shape),
  sliced(values, shape) {
    const longer = lies.unpacked!(Float32Array.of(NaN, NaN, NaN, ...values, NaN), [
      values.length + 4,
    ]);
    return tf.reshape(tf.slice(longer, [3], [values.length]), shape);
  },
};

/** Weights and second state after four steps with these gradients. */
async function after(
  backend: string,
  definition: string,
  shape: number[],
  steps: readonly Float32Array[],
  make: (values: Float32Array, shape: number[]) => tf.Tensor,
): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const start = tf.tensor(normals(7)(tf.util.sizeFromShape(shape)), shape);
  // The state has it by name.
  const v = tf.variable(start, true, "v");
  const optimizer = precond(definitions[definition]!());
  for (const values of steps) {
    tf.tidy(() => optimizer.applyGradients({ [v.name]: make(values, shape) }));
  }
  const state = await optimizer.getWeights();
  const arrays = [v, ...state.map(({ tensor }) => tensor)];
  const values = await Promise.all(arrays.map(async (t) => Float32Array.from(await t.data())));
  tf.dispose([start, v, state.map(({ tensor }) => tensor)]);
  optimizer.dispose();
  return values;
}

/** Compares steps on webgl, with gradients that lie in each way, with those on cpu. */
export async function alike(definition: string, shape: number[]): Promise<void> {
  const size = tf.util.sizeFromShape(shape);
  const next = normals(3);
  const steps = Array.from({ length: 4 }, () => next(size));
  const expected = await after("cpu", definition, shape, steps, (g, s) => tf.tensor(g, s));
  for (const [name, make] of Object.entries(lies)) {
    if (size === 0 && name !== "uploaded") continue;
    const draws = await drawsIn(async () => {
      const found = await after("webgl", definition, shape, steps, make);
      found.forEach((values, i) =>
        assertAllClose(values, expected[i]!, { relative: 2e-4, absolute: 2e-5 }, `${name}, ${i}`)
      );
    });
    if ((draws > 0) !== (size > 0)) throw new Error(`${draws} draws of ours`);
  }
}

/** Trains with updates between products and convolutions; compares the outputs of both backends. */
export async function amongOthers(): Promise<void> {
  const results: Float32Array[] = [];
  for (const backend of ["cpu", "webgl"]) {
    await tf.setBackend(backend);
    const next = normals(5);
    const of = (...shape: number[]) => tf.tensor(next(tf.util.sizeFromShape(shape)), shape);
    // 5 and 3 are odd: what lies beside the elements of packed textures takes part in products.
    const kernel = tf.variable(of(3, 3, 1, 5)), dense = tf.variable(of(5, 3));
    const images = of(2, 6, 6, 1), target = of(2, 3);
    const optimizer = precond(adam({ learningRate: 0.1, epsilon: 1e-3 }));
    const output = () => {
      const seen = tf.conv2d(images as tf.Tensor4D, kernel as tf.Tensor4D, 1, "same");
      return tf.matMul(tf.mean(tf.tanh(seen), [1, 2]) as tf.Tensor2D, dense as tf.Tensor2D);
    };
    const loss = () => tf.mean(tf.square(tf.sub(output(), target))) as tf.Scalar;
    for (let i = 0; i < 5; i++) optimizer.minimize(loss, false, [kernel, dense]);
    const last = tf.tidy(output);
    results.push(Float32Array.from(await last.data()));
    tf.dispose([kernel, dense, images, target, last]);
    optimizer.dispose();
  }
  assertAllClose(results[1]!, results[0]!, { relative: 1e-3, absolute: 1e-4 }, "outputs");
}

/** Products of updated weights with what has something beside its elements, on both backends. */
export async function besideElements(): Promise<void> {
  const results: Float32Array[] = [];
  for (const backend of ["cpu", "webgl"]) {
    await tf.setBackend(backend);
    const v = tf.variable(tf.ones([3, 5]) as tf.Tensor2D), other = lies.packed!(ramp(10), [5, 2]);
    const optimizer = precond(adam({ learningRate: 0.1 }));
    tf.tidy(() => optimizer.applyGradients({ [v.name]: lies.packed!(ramp(15), [3, 5]) }));
    const product = tf.matMul(v, other as tf.Tensor2D);
    results.push(Float32Array.from(await product.data()));
    tf.dispose([v, other, product]);
    optimizer.dispose();
  }
  assertAllClose(results[1]!, results[0]!, { relative: 1e-4 }, "products");
}

/** What a clone of the weights holds after a step: the next one must not write into it. */
export async function cloned(): Promise<void> {
  const v = tf.variable(tf.fill([3, 4], 2)), gradient = tf.fill([3, 4], 1);
  const optimizer = precond(adam({ learningRate: 0.5, epsilon: 0 }));
  const step = () => optimizer.applyGradients({ [v.name]: gradient });
  step();
  const clone = tf.clone(v as tf.Tensor);
  const reading = v.data();
  step();
  step();
  // Adam's steps have the size of the learning rate while the gradient stays the same.
  const close = { relative: 1e-5 };
  assertAllClose(Float32Array.from(await reading), new Float32Array(12).fill(1.5), close, "read");
  assertAllClose(Float32Array.from(await clone.data()), new Float32Array(12).fill(1.5), close, "c");
  assertAllClose(Float32Array.from(await v.data()), new Float32Array(12).fill(0.5), close, "w");
  tf.dispose([v, gradient, clone]);
  optimizer.dispose();
}

/** Counts of tensors, bytes and textures after each of some dozens of steps; all must be equal. */
export async function textures(): Promise<void> {
  const start = tf.memory().numTensors;
  const shapes = [[5], [4, 6], [3, 3, 2, 5], [1]];
  const variables = shapes.map((shape) => tf.tidy(() => tf.variable(tf.fill(shape, 1))));
  const optimizers = [
    precond(
      signalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        curvature: userCurvature({ every: 3 }),
        pool: "row",
        scale: "unit-norm",
      }),
    ),
    precond(adam()),
  ];
  const step = (optimizer: typeof optimizers[number], lie: string, curvature: boolean) =>
    tf.tidy(() => {
      const made = () =>
        Object.fromEntries(variables.map(({ name, shape, size }) => [
          name,
          lies[lie]!(new Float32Array(size).fill(0.5), shape),
        ]));
      optimizer.applyGradients(made(), curvature ? { curvature: made() } : {});
    });
  const counts = () => {
    const { numTensors, numDataBuffers, numBytes, numBytesInGPU } = tf.memory() as
      & tf.MemoryInfo
      & { numBytesInGPU: number };
    const used = webgl().textureManager.getNumUsedTextures();
    return JSON.stringify({ numTensors, numDataBuffers, numBytes, numBytesInGPU, used });
  };
  for (const optimizer of optimizers) {
    let before: string | undefined;
    for (let i = 0; i < 25; i++) {
      for (const lie of ["packed", "unpacked", "sliced"]) {
        step(optimizer, lie, optimizer === optimizers[0] && (i % 3 === 0));
      }
      if (i === 0) before = counts();
      else if (counts() !== before) throw new Error(`${counts()}, expected ${before}`);
    }
    await variables[0]!.data();
  }
  for (const optimizer of optimizers) optimizer.dispose();
  tf.dispose(variables);
  if (tf.memory().numTensors !== start) throw new Error(`${tf.memory().numTensors} tensors remain`);
}

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { alongVectors, normalTensor, read } from "../second_order/_testing.ts";
import { apart, lossOf, type OpCase } from "../second_order/scenarios/operations.ts";
import "../wasm_training/mod.ts";
import { disableGradients, enableGradients } from "./mod.ts";

type Image = tf.Tensor4D;
const attrs = (values: Record<string, unknown>) => values as unknown as tf.NamedAttrMap;
const kernel = (name: string, inputs: Record<string, tf.Tensor>, values: Record<string, unknown>) =>
  tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attrs(values)) as tf.Tensor;
const ids = (shape: number[], n: number) => {
  const values = Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => (5 * i + 1) % n);
  return tf.tensor(values, shape, "int32");
};
const weight = (shape: number[]) => normalTensor(shape, 55);

const cases: OpCase[] = [
  ...(["reflect", "symmetric"] as const).flatMap((mode): OpCase[] => [
    {
      name: `mirrorPad ${mode}`,
      shape: [3, 4, 2],
      f: (x) => tf.mirrorPad(x, [[2, 1], [0, 3], [0, 1]], mode),
    },
    {
      name: `mirrorPad ${mode} on one side`,
      shape: [5],
      f: (x) => tf.mirrorPad(x, [[0, 4]], mode),
    },
  ]),
  ...[0, 1, 2].flatMap((axis) =>
    [false, true].map((reverse): OpCase => ({
      name: `cumsum along ${axis}${reverse ? ", reverse" : ""}`,
      shape: [3, 3, 3],
      f: (x) => tf.cumsum(x, axis, true, reverse),
    }))
  ),
  ...(["Bilinear", "NearestNeighbor"] as const).flatMap((kind) =>
    [[false, false], [true, false], [false, true]].map((
      [alignCorners, halfPixelCenters],
    ): OpCase => ({
      name: `resize${kind}${alignCorners ? ", alignCorners" : ""}${
        halfPixelCenters ? ", halfPixelCenters" : ""
      }`,
      shape: [2, 4, 3, 2],
      f: (x) => tf.image[`resize${kind}`](x as Image, [7, 5], alignCorners, halfPixelCenters),
    }))
  ),
  { name: "avgPool, same", shape: [2, 5, 4, 2], f: (x) => tf.avgPool(x as Image, 3, 2, "same") },
  {
    name: "avgPool3d, same",
    shape: [1, 3, 4, 3, 2],
    f: (x) => tf.avgPool3d(x as tf.Tensor5D, [2, 3, 2], 2, "same"),
  },
  {
    name: "maxPool3d, windows not square",
    shape: [1, 2, 4, 6, 2],
    domain: apart,
    f: (x) => tf.maxPool3d(x as tf.Tensor5D, [1, 2, 3], [1, 2, 3], "valid"),
  },
  {
    name: "maxPool3d, windows not square, overlapping",
    shape: [1, 3, 5, 5, 1],
    domain: apart,
    f: (x) => tf.maxPool3d(x as tf.Tensor5D, [2, 3, 2], 1, "same"),
  },
  ...[[1, 2], [2, 1], [3, 3]].flatMap((dilations): OpCase[] => [
    {
      name: `conv2d by its input, dilations ${dilations}`,
      shape: [2, 7, 8, 2],
      f: (x) =>
        tf.conv2d(
          x as Image,
          weight([2, 3, 2, 3]) as Image,
          1,
          "same",
          "NHWC",
          dilations as [number, number],
        ),
    },
    {
      name: `conv2d by its filter, dilations ${dilations}`,
      shape: [2, 3, 2, 3],
      f: (w) =>
        tf.conv2d(
          weight([2, 8, 7, 2]) as Image,
          w as Image,
          1,
          "valid",
          "NHWC",
          dilations as [number, number],
        ),
    },
    {
      name: `depthwiseConv2d by its filter, dilations ${dilations}`,
      shape: [2, 2, 3, 2],
      f: (w) =>
        tf.depthwiseConv2d(
          weight([2, 8, 7, 3]) as Image,
          w as Image,
          1,
          "same",
          "NHWC",
          dilations as [number, number],
        ),
    },
    {
      name: `fused.conv2d by its bias, dilations ${dilations}`,
      shape: [3],
      f: (bias) =>
        tf.fused.conv2d({
          x: weight([8, 7, 2]) as tf.Tensor3D,
          filter: weight([2, 2, 2, 3]) as Image,
          strides: 1,
          pad: "same",
          dilations: dilations as [number, number],
          bias,
        }),
    },
  ]),
  {
    name: "conv3dTranspose",
    shape: [1, 2, 3, 2, 2],
    f: (x) =>
      tf.conv3dTranspose(
        x as tf.Tensor5D,
        weight([2, 2, 2, 3, 2]) as tf.Tensor5D,
        [1, 4, 6, 4, 3],
        2,
        "same",
      ),
  },
  { name: "gather", shape: [4, 3, 2], f: (x) => tf.gather(x, ids([2, 5], 3) as tf.Tensor1D, 1) },
  {
    name: "gather, batchDims 1",
    shape: [2, 4, 3],
    f: (x) => tf.gather(x, ids([2, 5], 4) as tf.Tensor1D, 1, 1),
  },
  {
    name: "gather, batchDims 1, another axis",
    shape: [2, 3, 4, 2],
    f: (x) => tf.gather(x, ids([2, 5], 4) as tf.Tensor1D, 2, 1),
  },
  {
    name: "gather, batchDims 2",
    shape: [2, 3, 4, 2],
    f: (x) => tf.gather(x, ids([2, 3, 5], 4) as tf.Tensor1D, 2, 2),
  },
  ...["ij,jk->ik", "bij,bkj->bik", "ij,kl->il", "ij,j->i"].flatMap((equation): OpCase[] => {
    const sizes = { b: 2, i: 3, j: 4, k: 2, l: 3 } as Record<string, number>;
    const [a, b] = equation.split("->")[0]!.split(",").map((term) =>
      [...term].map((l) => sizes[l]!)
    );
    return [
      {
        name: `einsum ${equation} by the first`,
        shape: a!,
        f: (x) => tf.einsum(equation, x, weight(b!)),
      },
      {
        name: `einsum ${equation} by the second`,
        shape: b!,
        f: (x) => tf.einsum(equation, weight(a!), x),
      },
    ];
  }),
  { name: "einsum ijk->ki", shape: [2, 3, 4], f: (x) => tf.einsum("ijk->ki", x) },
  {
    name: "where",
    shape: [7],
    f: (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 2)),
    domain: (x) => x + Math.sign(x) * 0.2,
  },
  {
    name: "floorDiv beside",
    shape: [5],
    f: (x) => tf.add(x, tf.floorDiv(tf.mul(x, 0), tf.scalar(2))),
  },
  {
    name: "a cast beside",
    shape: [5],
    f: (x) => tf.add(x, tf.cast(tf.cast(x, "int32"), "float32")),
    domain: (_, i) => i + 0.45,
  },
  {
    name: "batchNorm without scale and offset",
    shape: [4, 3],
    f: (x) =>
      tf.batchNorm2d(
        x as tf.Tensor2D,
        weight([3]) as tf.Tensor1D,
        tf.square(weight([3])) as tf.Tensor1D,
        undefined,
        undefined,
        0.1,
      ),
  },
  {
    name: "FusedBatchNorm by its variance",
    shape: [3],
    domain: (x) => x * x + 1,
    f: (v) =>
      kernel(tf.FusedBatchNorm, { x: weight([1, 2, 2, 3]), mean: weight([3]), variance: v }, {
        varianceEpsilon: 0.1,
      }),
  },
];

/** How far gᵀv is from the derivative along v, relatively to ‖g‖. */
async function errorOf(test: OpCase): Promise<number> {
  const { w, loss, exact, dispose } = lossOf(test);
  const { value, grads } = tf.variableGrads(loss, [w]);
  const vectors = { [w.name]: normalTensor(w.shape, 3) };
  const [g, v] = [await read(grads, [w]), await read(vectors, [w])];
  const [slope] = await alongVectors(exact, [w], vectors, 5e-3);
  tf.dispose([value, grads, vectors]);
  dispose();
  return Math.abs(g.reduce((sum, x, i) => sum + x * v[i]!, 0) - slope!) / Math.hypot(...g);
}

/** Forward passes that a backend of tfjs 4.22 does not have right. */
const lacking: Readonly<Record<string, RegExp>> = {
  cpu: /^einsum ij,kl->il/, // a letter summed in one argument alone
  wasm: /batchDims/,
};

for (const backend of ["cpu", "wasm"]) {
  for (const test of cases) {
    if (lacking[backend]!.test(test.name)) continue;
    Deno.test(`${test.name} on ${backend}: the gradient is the derivative`, async () => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      const error = await errorOf(test);
      assert.ok(error < 5e-4, `off by ${error}`);
      assert.equal(tf.memory().numTensors, before, "no tensor is left");
    });
  }
}

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`rounding up is refused on ${backend}`, async () => {
    await tf.setBackend(backend);
    const x = weight([1, 6, 6, 2]) as Image, w = weight([3, 3, 2, 2]) as Image;
    const volume = weight([1, 6, 6, 6, 2]) as tf.Tensor5D;
    const run: Record<string, () => void> = {
      MaxPool: () => tf.grad((x) => tf.maxPool(x as Image, 3, 2, 0, "ceil"))(x),
      AvgPool: () => tf.grad((x) => tf.avgPool(x as Image, 3, 2, 0, "ceil"))(x),
      AvgPool3D: () => tf.grad((x) => tf.avgPool3d(x as tf.Tensor5D, 3, 2, 0, "ceil"))(volume),
      Conv2D: () => tf.grad((x) => tf.conv2d(x as Image, w, 2, 0, "NHWC", 1, "ceil"))(x),
    };
    for (const [name, f] of Object.entries(run)) {
      assert.throws(() => tf.tidy(f), {
        name: "TypeError",
        message: `Cannot take the gradient of ${name}: TensorFlow.js has it wrong with ` +
          'dimRoundingMode "ceil"; pad the input, and use "floor"',
      });
    }
    tf.dispose([x, w, volume]);
  });
}

Deno.test("gather with batchDims is refused on wasm, which gathers from wrong places", async () => {
  await tf.setBackend("wasm");
  const x = weight([2, 4, 3]), indices = ids([2, 5], 4) as tf.Tensor1D;
  assert.throws(() => tf.tidy(() => tf.grad((x) => tf.gather(x, indices, 1, 1))(x)), {
    name: "TypeError",
    message: /^Cannot take the gradient of gather: the wasm backend gathers from wrong places/,
  });
  tf.dispose([x, indices]);
});

Deno.test("disableGradients() puts back what was there", async () => {
  await tf.setBackend("cpu");
  const f = (x: tf.Tensor) => tf.sum(tf.avgPool(x as Image, [1, 2], [1, 2], "same"));
  const gradient = () => tf.tidy(() => [...tf.grad(f)(tf.ones([1, 1, 3, 1])).dataSync()]);
  assert.deepEqual(gradient(), [0.5, 0.5, 1]);
  disableGradients();
  try {
    assert.deepEqual(gradient(), [0.5, 0.5, 0.5]);
    const engine = tf.engine();
    assert.ok(!Object.hasOwn(engine, "runKernel") && !Object.hasOwn(engine, "addTapeNode"));
  } finally {
    enableGradients();
  }
  const enabled = tf.getGradient("AvgPool");
  enableGradients();
  assert.equal(tf.getGradient("AvgPool"), enabled);
});

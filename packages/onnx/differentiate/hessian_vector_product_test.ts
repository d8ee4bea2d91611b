import { random } from "@precond/testing";
import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  openModel,
  type Results,
  runModel,
  type TestGraph,
  type TestSession,
  type Value,
} from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import { gaussNewtonSample } from "./curvature_sample.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";
import { lossGraph } from "./loss_graph.ts";
import type { Loss } from "./loss.ts";
import { perExampleSquares } from "./per_example_squares.ts";
import { trainingGraph } from "./training_graph.ts";

const { FLOAT, INT64 } = DataType;

type Point = Readonly<Record<string, Value>>;

/** A network with parameters that are fed, so that they can be moved. */
interface Network {
  readonly graph: TestGraph;
  readonly loss: Loss;
  readonly feeds: Point;
  readonly parameters: Point;
}

/** `tanh(x w₁ + c₁) w₂ + c₂` with classes. */
function mlp({ hidden = 4, loss = { type: "crossEntropy" } as Loss } = {}): Network {
  const parameters = {
    w1: normal(2, [3, hidden]),
    c1: normal(3, [hidden]),
    w2: normal(4, [3, hidden]),
    c2: normal(5, [3]),
  };
  const x = normal(1, [5, 3]);
  return {
    graph: {
      nodes: [
        makeNode("Gemm", ["x", "w1", "c1"], ["h"]),
        makeNode("Tanh", ["h"], ["a"]),
        makeNode("Gemm", ["a", "w2", "c2"], ["y"], { transB: 1 }),
      ],
      inputs: { x },
      initializers: parameters,
      outputs: ["y"],
      symbols: { x: ["N", 3] },
    },
    loss,
    parameters,
    feeds: {
      x,
      labels: loss.type === "crossEntropy"
        ? { dims: [5], data: [0, 2, 1, 1, 0], type: INT64 }
        : normal(6, [5, 3]),
    },
  };
}

/** `tanh(x w) v`: six parameters, so 64 vectors of signs. */
function tiny(): Network {
  const parameters = { w: normal(2, [2, 2]), v: normal(3, [2, 1]) };
  const x = normal(1, [3, 2]);
  return {
    graph: {
      nodes: [
        makeNode("MatMul", ["x", "w"], ["h"]),
        makeNode("Tanh", ["h"], ["a"]),
        makeNode("MatMul", ["a", "v"], ["y"]),
      ],
      inputs: { x },
      initializers: parameters,
      outputs: ["y"],
    },
    loss: { type: "mse", reduction: "sum" },
    parameters,
    feeds: { x, labels: normal(6, [3, 1]) },
  };
}

const modelOf = ({ graph }: Network): ModelProto => makeModel(graph);
const count = (v: Value) => v.data.length;

/** All parameters of a result in one vector. */
const flat = (network: Network, names: ReadonlyMap<string, string>, found: Results) =>
  Object.keys(network.parameters).flatMap((name) => found[names.get(name)!]!.data);

/** One vector in the shapes of the parameters. */
function apart(network: Network, vector: readonly number[]): Record<string, Value> {
  let at = 0;
  return Object.fromEntries(
    Object.entries(network.parameters).map(([name, like]) => {
      const data = vector.slice(at, at += count(like));
      return [name, { ...like, data }];
    }),
  );
}

const sizeOf = (network: Network) =>
  Object.values(network.parameters).reduce((sum, v) => sum + count(v), 0);

/** Opens, gives the work a function to run, closes. */
async function withSession<T>(
  model: ModelProto,
  work: (session: TestSession) => Promise<T>,
): Promise<T> {
  const session = await openModel(model);
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

/** Works with `v ↦ Hv`. */
function withProduct<T>(
  network: Network,
  work: (product: (v: readonly number[]) => Promise<number[]>) => Promise<T>,
): Promise<T> {
  const { model, vectors, products } = hessianVectorProduct(modelOf(network), {
    loss: network.loss,
  });
  return withSession(model, (session) =>
    work(async (v) => {
      const fed = Object.entries(apart(network, v)).map(([name, value]) => [
        vectors.get(name)!,
        value,
      ]);
      const feeds = { ...network.feeds, ...network.parameters, ...Object.fromEntries(fed) };
      return flat(network, products, await session.run(feeds));
    }));
}

/** The Hessian by central differences of fourth order of the gradient: row by row. */
async function denseHessian(network: Network, step: number): Promise<number[][]> {
  const { model, gradients } = differentiate(modelOf(network), { loss: network.loss });
  const at = Object.values(network.parameters).flatMap((v) => v.data);
  return await withSession(model, async (session) => {
    const rows: number[][] = [];
    for (let k = 0; k < at.length; k++) {
      const gradient = async (h: number) => {
        const moved = apart(network, at.map((v, j) => j === k ? v + h : v));
        return flat(network, gradients, await session.run({ ...network.feeds, ...moved }));
      };
      const [p1, m1, p2, m2] = [
        await gradient(step),
        await gradient(-step),
        await gradient(2 * step),
        await gradient(-2 * step),
      ];
      rows.push(p1!.map((_, j) => (8 * (p1![j]! - m1![j]!) - (p2![j]! - m2![j]!)) / (12 * step)));
    }
    return rows;
  });
}

const unit = (size: number, k: number) => Array.from({ length: size }, (_, j) => j === k ? 1 : 0);
const dot = (u: readonly number[], v: readonly number[]) =>
  u.reduce((sum, x, k) => sum + x * v[k]!, 0);

const losses: readonly Loss[] = [
  { type: "crossEntropy" },
  { type: "crossEntropy", labelSmoothing: 0.1 },
  { type: "mse" },
  { type: "binaryCrossEntropy" },
  { type: "huber", delta: 2 },
];

Deno.test("hessianVectorProduct() is the Hessian of central differences, column by column", async (t) => {
  for (const loss of losses) {
    await t.step(JSON.stringify(loss), async () => {
      const network = mlp({ loss });
      const expected = await denseHessian(network, 1e-3);
      await withProduct(network, async (product) => {
        for (const [k, row] of expected.entries()) {
          compare(await product(unit(row.length, k)), row, 1e-6, `column ${k}`);
        }
      });
    });
  }
});

Deno.test("uᵀHv = vᵀHu, and H is linear", async () => {
  const network = mlp();
  const size = sizeOf(network);
  const [u, v] = [normal(21, [size]).data, normal(22, [size]).data];
  await withProduct(network, async (product) => {
    const [hu, hv] = [await product(u), await product(v)];
    // The float32 factors that ONNX Runtime moves into products enter both sides differently.
    compare([dot(u, hv)], [dot(v, hu)], 1e-6, "symmetry");
    const both = await product(u.map((x, k) => 2 * x - 3 * v[k]!));
    compare(both, hu.map((x, k) => 2 * x - 3 * hv[k]!), 1e-12, "linearity");
    assert.ok((await product(u.map(() => 0))).every((x) => x === 0), "H 0 = 0");
  });
});

Deno.test("Hutchinson's estimate over all vectors of signs is the Hessian's diagonal", async () => {
  const network = tiny();
  const size = sizeOf(network);
  const diagonal = await withProduct(network, async (product) => {
    const entries: number[] = [];
    for (let k = 0; k < size; k++) entries.push((await product(unit(size, k)))[k]!);
    return entries;
  });
  const dense = await denseHessian(network, 1e-3);
  compare(diagonal, dense.map((row, k) => row[k]!), 1e-6, "diagonal by differences");

  const { model, vectors, curvatures } = trainingGraph(modelOf(network), {
    loss: network.loss,
    curvature: "hutchinson",
  });
  const mean = new Array<number>(size).fill(0);
  await withSession(model, async (session) => {
    for (let bits = 0; bits < 2 ** size; bits++) {
      const signs = mean.map((_, k) => (bits >> k) % 2 === 0 ? 1 : -1);
      const fed = Object.entries(apart(network, signs))
        .map(([name, value]) => [vectors!.get(name)!, value]);
      const found = await session.run({
        ...network.feeds,
        ...network.parameters,
        ...Object.fromEntries(fed),
      });
      flat(network, curvatures!, found).forEach((h, k) => mean[k]! += h / 2 ** size);
    }
  });
  compare(mean, diagonal, 1e-9, "Hutchinson");
});

Deno.test("A linear model's Hessian does not depend on its parameters, and a constant's is 0", async () => {
  // loss = Σ (x w − t)², H = 2 xᵀx
  const x: Value = { dims: [2, 2], data: [1, 2, 3, 4] };
  const model = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"]), makeNode("Identity", ["unused"], ["z"])],
    inputs: { x },
    initializers: { w: normal(1, [2, 1]), unused: normal(2, [3]) },
    outputs: ["y", "z"],
  });
  const hvp = hessianVectorProduct(model, {
    loss: { type: "mse", reduction: "sum" },
    parameters: "constants",
  });
  assert.deepEqual([...hvp.vectors], [["w", "w_vector"], ["unused", "unused_vector"]]);
  assert.deepEqual([...hvp.products], [["w", "w_hvp"], ["unused", "unused_hvp"]]);
  const found = await runModel(hvp.model, {
    x,
    labels: normal(3, [2, 1]),
    w_vector: { dims: [2, 1], data: [1, -1] },
    unused_vector: normal(4, [3]),
  });
  // 2 xᵀx = 2 [[10, 14], [14, 20]]
  compare(found["w_hvp"]!.data, [-8, -12], 1e-12, "2 xᵀx v");
  assert.deepEqual(found["unused_hvp"]!.data, [0, 0, 0]);
});

/** A convolution, a mean over places, classes: its kernels are float only. */
function convolutional(): Network {
  const single = (v: Value): Value => ({ ...v, type: FLOAT });
  const parameters = {
    w: single(normal(2, [3, 2, 3, 3], (v) => v / 2)),
    c: single(normal(3, [3])),
    v: single(normal(4, [4, 12])),
    d: single(normal(5, [4])),
  };
  const x = single(normal(1, [3, 2, 5, 5]));
  const nodes: NodeProto[] = [
    makeNode("Conv", ["x", "w", "c"], ["h"], { strides: [2, 2], pads: [1, 1, 0, 0] }),
    makeNode("Tanh", ["h"], ["t"]),
    makeNode("Flatten", ["t"], ["f"]),
    makeNode("Gemm", ["f", "v", "d"], ["y"], { transB: 1 }),
  ];
  return {
    graph: { nodes, inputs: { x }, initializers: parameters, outputs: ["y"] },
    loss: { type: "crossEntropy" },
    parameters,
    feeds: { x, labels: { dims: [3], data: [0, 3, 1], type: INT64 } },
  };
}

Deno.test("The second order of a convolution with softmax in float32", async () => {
  const network = convolutional();
  const size = sizeOf(network);
  const [u, v] = [normal(21, [size]).data, normal(22, [size]).data];
  const at = Object.values(network.parameters).flatMap((p) => p.data);
  const { model, gradients } = differentiate(modelOf(network), { loss: network.loss });
  await withProduct(network, async (product) => {
    const [hu, hv] = [await product(u), await product(v)];
    const scale = Math.abs(dot(u, hv)) + Math.sqrt(dot(hu, hu) * dot(v, v));
    assert.ok(Math.abs(dot(u, hv) - dot(v, hu)) <= 1e-5 * scale, "symmetry");
    await withSession(model, async (session) => {
      const gradient = async (h: number) => {
        const moved = apart(network, at.map((p, k) => p + h * v[k]!));
        return flat(network, gradients, await session.run({ ...network.feeds, ...moved }));
      };
      // Gradients of about 0.1 with errors of 1e-8 over steps of 0.02.
      const h = 0.02;
      const [p1, m1, p2, m2] = [
        await gradient(h),
        await gradient(-h),
        await gradient(2 * h),
        await gradient(-2 * h),
      ];
      const expected = p1!.map((_, k) =>
        (8 * (p1![k]! - m1![k]!) - (p2![k]! - m2![k]!)) / (12 * h)
      );
      compare(hv, expected, 2e-3, "Hv");
    });
  });
});

Deno.test("trainingGraph() gives together what its parts give alone", async (t) => {
  const networks: readonly [string, Network][] = [
    ["layers", mlp()],
    ["convolution", convolutional()],
  ];
  for (const [name, network] of networks) {
    await t.step(name, async () => {
      const model = modelOf(network);
      const { loss } = network;
      const fed = { ...network.feeds, ...network.parameters };
      const single = network.feeds["x"]!.type === FLOAT;
      // Sums in another order; in double the float32 factors of ONNX Runtime.
      const tolerance = single ? 2e-5 : 1e-6;
      const batch = network.feeds["x"]!.dims[0]!;
      const source = random(5);
      const uniform: Value = {
        dims: [batch],
        data: Array.from({ length: batch }, () => source.uniform()),
        ...(single ? { type: FLOAT } : {}),
      };
      const signs = apart(network, normal(8, [sizeOf(network)], Math.sign).data);

      const gradient = differentiate(model, { loss });
      const squares = perExampleSquares(model, { loss });
      const sample = gaussNewtonSample(model, { loss });
      const product = hessianVectorProduct(model, { loss });
      const vectors = Object.fromEntries(
        Object.entries(signs).map(([p, v]) => [product.vectors.get(p)!, v]),
      );
      const alone = {
        gradient: await runModel(gradient.model, fed),
        squares: await runModel(squares.model, fed),
        sample: await runModel(sample.model, { ...fed, uniform }),
        product: await runModel(product.model, { ...fed, ...vectors }),
      };

      for (const curvature of [undefined, "gaussNewton", "hutchinson"] as const) {
        for (const wanted of [false, true]) {
          const result = trainingGraph(model, {
            loss,
            squares: wanted,
            ...(curvature === undefined ? {} : { curvature }),
          });
          const what = `squares ${wanted}, curvature ${curvature}`;
          assert.equal(result.squares !== undefined, wanted, what);
          assert.equal(result.uniform !== undefined, curvature === "gaussNewton", what);
          assert.equal(result.vectors !== undefined, curvature === "hutchinson", what);
          const found = await runModel(result.model, {
            ...fed,
            ...(curvature === "gaussNewton" ? { [result.uniform!]: uniform } : {}),
            ...(curvature === "hutchinson" ? vectors : {}),
          });
          const value = (names: ReadonlyMap<string, string>, of: Results) =>
            flat(network, names, of);
          compare(
            [found[result.loss]!.data[0]!],
            [alone.gradient[gradient.loss]!.data[0]!],
            tolerance,
            `${what}: loss`,
          );
          compare(
            value(result.gradients, found),
            value(gradient.gradients, alone.gradient),
            tolerance,
            `${what}: gradient`,
          );
          if (wanted) {
            compare(
              value(result.squares!, found),
              value(squares.squares, alone.squares),
              tolerance,
              `${what}: squares`,
            );
          }
          if (curvature === "gaussNewton") {
            compare(
              value(result.curvatures!, found),
              value(sample.curvatures, alone.sample),
              tolerance,
              `${what}: sample`,
            );
          }
          if (curvature === "hutchinson") {
            const hv = value(product.products, alone.product);
            const v = Object.values(signs).flatMap((s) => s.data);
            compare(
              value(result.curvatures!, found),
              hv.map((h, k) => h * v[k]!),
              tolerance,
              `${what}: v ∘ Hv`,
            );
          }
        }
      }
    });
  }
});

Deno.test("The loss of lossGraph() is that of the gradient graph", async () => {
  const network = mlp();
  const fed = { ...network.feeds, ...network.parameters };
  const evaluated = lossGraph(modelOf(network), { loss: network.loss });
  const trained = trainingGraph(modelOf(network), { loss: network.loss });
  const [a, b] = [await runModel(evaluated.model, fed), await runModel(trained.model, fed)];
  assert.deepEqual(a[evaluated.loss!]!.data, b[trained.loss]!.data);
  assert.deepEqual([...evaluated.values.keys()], [...trained.values.keys()]);
});

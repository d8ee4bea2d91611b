/**
 * Runs small graphs in ONNX Runtime and compares gradients with central differences.
 *
 * @module
 */
import { random } from "@precond/testing";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { differentiate } from "./differentiate/differentiate.ts";
import { declaration } from "./model/value_info.ts";
import { prepared } from "./graph/prepared.ts";
import { hessianVectorProduct } from "./differentiate/hessian_vector_product.ts";
import { type AttributeValue, makeAttribute } from "./model/attributes.ts";
import { arrayFor, DataType, type TensorArray } from "./model/data_type.ts";
import { writeModel } from "./model/read_model.ts";
import { makeTensor } from "./model/tensor.ts";
import { checkGraph } from "./scenarios/check_graph.ts";
import { create } from "./proto/create.ts";
import { GraphProto, ModelProto, NodeProto, ValueInfoProto } from "./proto/onnx_pb.ts";

const require = createRequire(import.meta.url);

/** A tensor of a test: a shape and its elements, double unless it says otherwise. */
export interface Value {
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly type?: DataType;
}

/** What a run gives back. */
export type Results = Readonly<Record<string, { dims: readonly number[]; data: number[] }>>;

interface OrtTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}
interface OrtSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
/** What the tests use of onnxruntime-node and of the training build. */
export interface Ort {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options?: Record<string, unknown>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
}

const TYPES: Readonly<Record<number, string>> = {
  [DataType.FLOAT]: "float32",
  [DataType.DOUBLE]: "float64",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
  [DataType.BOOL]: "bool",
  [DataType.UINT8]: "uint8",
  [DataType.FLOAT16]: "float16",
};

/** onnxruntime-node: the current build. */
export function currentOrt(): Ort {
  return require("onnxruntime-node") as Ort;
}

/** onnxruntime-web 1.19.2 for training: the real gradient kernels, as an oracle. */
export async function oracleOrt(): Promise<Ort> {
  // Its export map hides the training build from Node: by file path.
  const dist = dirname(require.resolve("onnxruntime-web-training"));
  const ort = await import(pathToFileURL(join(dist, "ort.training.wasm.mjs")).href);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort as Ort;
}

/** The typed array of a value. */
export function typed(value: Value): TensorArray {
  const type = value.type ?? DataType.DOUBLE;
  const data = new (arrayFor(type, "a test's value"))(value.data.length);
  const wide = type === DataType.INT64;
  value.data.forEach((v, i) => data[i] = (wide ? BigInt(v) : v) as number);
  return data;
}

/** A session that is fed plain numbers. */
export interface TestSession {
  run(feeds: Readonly<Record<string, Value>>): Promise<Results>;
  release(): Promise<void>;
}

/** Opens a model, which is checked before, in a build of ONNX Runtime (default: the current one). */
export async function openModel(
  model: ModelProto | Uint8Array,
  ort: Ort = currentOrt(),
): Promise<TestSession> {
  if (!(model instanceof Uint8Array)) checkGraph(model);
  const bytes = model instanceof Uint8Array ? model : writeModel(model);
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: "all",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, value]) => {
        const type = TYPES[value.type ?? DataType.DOUBLE]!;
        return [name, new ort.Tensor(type, typed(value), value.dims)];
      });
      const results = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(
        Object.entries(results).map(([name, t]) => [
          name,
          { dims: t.dims, data: Array.from(t.data, Number) },
        ]),
      );
    },
    release: () => session.release(),
  };
}

/** Opens, runs once, releases. */
export async function runModel(
  model: ModelProto | Uint8Array,
  feeds: Readonly<Record<string, Value>>,
  ort: Ort = currentOrt(),
): Promise<Results> {
  const session = await openModel(model, ort);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** A node of a test graph. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = "",
): NodeProto {
  return create(NodeProto, {
    opType,
    domain,
    name: `${opType} of ${outputs[0]}`,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });
}

/** A test graph. */
export interface TestGraph {
  readonly nodes: readonly NodeProto[];
  /** Fed at run time. */
  readonly inputs?: Readonly<Record<string, Value>>;
  /** Stored in the model. */
  readonly initializers?: Readonly<Record<string, Value>>;
  readonly outputs: readonly string[];
  readonly opset?: number;
  /** Names instead of sizes for dimensions of inputs. */
  readonly symbols?: Readonly<Record<string, readonly (number | string)[]>>;
}

/** A model over a test graph; outputs are declared without a type, inference must find it. */
export function makeModel(graph: TestGraph): ModelProto {
  const { inputs = {}, initializers = {}, opset = 18, symbols = {} } = graph;
  const domains = new Set(graph.nodes.map((n) => n.domain).filter((d) => d !== ""));
  return create(ModelProto, {
    irVersion: 8n,
    opsetImport: [
      { domain: "", version: BigInt(opset) },
      ...[...domains].map((domain) => ({ domain, version: 1n })),
    ],
    graph: create(GraphProto, {
      name: "test",
      node: [...graph.nodes],
      input: Object.entries(inputs).map(([name, v]) =>
        declaration(name, v.type ?? DataType.DOUBLE, symbols[name] ?? v.dims)
      ),
      output: graph.outputs.map((name) => create(ValueInfoProto, { name })),
      initializer: Object.entries(initializers).map(([name, v]) =>
        makeTensor(name, v.type ?? DataType.DOUBLE, v.dims, typed(v))
      ),
    }),
  });
}

/** Normal numbers in a shape, optionally mapped (to keep away from kinks, or positive). */
export function normal(
  seed: number,
  dims: readonly number[],
  map: (x: number) => number = (x) => x,
): Value {
  const source = random(seed);
  const size = dims.reduce((a, b) => a * b, 1);
  return { dims, data: Array.from({ length: size }, () => map(source.normal())) };
}

/** Numbers `gap` apart around 0, in a random order: small steps do not change which is largest. */
export function distinct(seed: number, dims: readonly number[], gap = 0.1): Value {
  const { data } = normal(seed, dims);
  const order = data.map((_, i) => i).sort((i, j) => data[i]! - data[j]!);
  const ranks = new Array<number>(data.length);
  order.forEach((i, rank) => ranks[i] = gap * (rank - data.length / 2));
  return { dims, data: ranks };
}

/** A case for {@linkcode checkGradients}. */
export interface GradientCase {
  /** What the case shows; part of the test step's name. */
  readonly name: string;
  /** A node `op(inputs) → y` (or several outputs), or any nodes. */
  readonly nodes: readonly NodeProto[];
  /** Float inputs: each is differentiated unless `fixed` names it. Others are fed as they are. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Outputs that enter the test's loss `Σ_k ⟨R_k, output_k⟩` with random R. Default: ["y"]. */
  readonly outputs?: readonly string[];
  readonly fixed?: readonly string[];
  readonly initializers?: Readonly<Record<string, Value>>;
  readonly opset?: number;
  readonly symbols?: TestGraph["symbols"];
  /**
   * "double" (default): relative 1e-6. "float" only for operators without a double kernel in
   * onnxruntime-node: step and tolerance then follow from float32's 6e-8.
   */
  readonly precision?: "double" | "float";
  /** Step of the differences. Default 1e-3 in double, 2e-2 in float. */
  readonly step?: number;
  /** Relative to the largest element. Default 1e-6 in double, 2e-3 in float. */
  readonly tolerance?: number;
  /**
   * Whether the outputs are linear in each input alone, as products are: differences of two points
   * then have no error but rounding. Default false.
   */
  readonly multilinear?: boolean;
  /** Also checks Hessian-vector products. Default true. */
  readonly secondOrder?: boolean;
  /** Tolerance of the second order. Default: 5 × tolerance. */
  readonly secondTolerance?: number;
}

/**
 * Compares the appended gradient graph with central differences of fourth order,
 * `(8(f(+h) − f(−h)) − (f(+2h) − f(−2h))) / 12h`, for every element of every float input, and the
 * Hessian-vector product with the same differences of the gradient along a random direction.
 */
export async function checkGradients(test: GradientCase): Promise<void> {
  const precision = test.precision ?? "double";
  const type = precision === "double" ? DataType.DOUBLE : DataType.FLOAT;
  const h = test.step ?? (precision === "double" ? 1e-3 : 2e-2);
  const tolerance = test.tolerance ?? (precision === "double" ? 1e-6 : 2e-3);
  const inputs = mapValues(test.inputs, (v) => v.type === undefined ? { ...v, type } : v);
  const initializers = mapValues(
    test.initializers ?? {},
    (v) => v.type === undefined ? { ...v, type } : v,
  );
  const outputs = test.outputs ?? ["y"];
  const base: TestGraph = {
    nodes: test.nodes,
    inputs,
    initializers,
    outputs,
    ...(test.opset === undefined ? {} : { opset: test.opset }),
    ...(test.symbols === undefined ? {} : { symbols: test.symbols }),
  };
  // ONNX Runtime has no kernels of operator sets before 7.
  const forward = await runModel(prepared(makeModel(base)), inputs);

  // loss = Σ_k ⟨R_k, output_k⟩
  const weights: Record<string, Value> = {};
  const nodes = [...test.nodes];
  const parts = outputs.map((name, k) => {
    weights[`R_${k}`] = { ...normal(1000 + k, forward[name]!.dims), type };
    nodes.push(
      makeNode("Mul", [name, `R_${k}`], [`weighted_${k}`]),
      makeNode("ReduceSum", [`weighted_${k}`], [`part_${k}`], { keepdims: 0 }),
    );
    return `part_${k}`;
  });
  const last = parts.reduce((sum, part) => {
    nodes.push(makeNode("Add", [sum, part], [`sum_${part}`]));
    return `sum_${part}`;
  });
  nodes.push(makeNode("Identity", [last], ["test_loss"]));
  const model = makeModel({
    ...base,
    nodes,
    initializers: { ...initializers, ...weights },
    outputs: ["test_loss"],
  });
  const wanted = Object.keys(inputs).filter((name) =>
    inputs[name]!.type === type && !(test.fixed ?? []).includes(name)
  );
  // Running statistics and the like keep their stored values.
  const options = { output: "test_loss", trainable: wanted, parameters: "constants" as const };
  const slopeOf = test.multilinear ? secant : stencil;
  const loss = await openModel(prepared(model));
  const { model: gradientModel, gradients } = differentiate(model, options);
  const gradient = await openModel(gradientModel);
  try {
    const valueAt = async (name: string, index: number, delta: number) => {
      const data = [...inputs[name]!.data];
      data[index]! += delta;
      const feeds = { ...inputs, [name]: { ...inputs[name]!, data } };
      return (await loss.run(feeds))["test_loss"]!.data[0]!;
    };
    const actual = await gradient.run(inputs);
    for (const name of wanted) {
      const expected: number[] = [];
      for (let i = 0; i < inputs[name]!.data.length; i++) {
        expected.push(await slopeOf((d) => valueAt(name, i, d), h));
      }
      const found = actual[gradients.get(name)!]!;
      assert.deepEqual(
        [...found.dims],
        [...inputs[name]!.dims],
        `${test.name}: shape of the gradient of "${name}"`,
      );
      compare(found.data, expected, tolerance, `${test.name}: gradient of "${name}"`);
    }
    if (test.secondOrder ?? true) {
      await checkProduct(test, { model, options, inputs, gradient, gradients, h, tolerance });
    }
  } finally {
    await loss.release();
    await gradient.release();
  }
}

/** A test that runs {@linkcode checkGradients} on every case of a table, each as a step. */
export function testGradients(name: string, cases: readonly GradientCase[]): void {
  Deno.test(name, async (t) => {
    for (const test of cases) await t.step(test.name, () => checkGradients(test));
  });
}

/** The case with its operator set in its name. */
export function withOpset(test: GradientCase): GradientCase {
  return { ...test, name: `${test.name}, opset ${test.opset ?? 18}` };
}

async function checkProduct(
  test: GradientCase,
  { model, options, inputs, gradient, gradients, h, tolerance }: {
    model: ModelProto;
    options: { output: string; trainable: string[]; parameters: "constants" };
    inputs: Readonly<Record<string, Value>>;
    gradient: TestSession;
    gradients: ReadonlyMap<string, string>;
    h: number;
    tolerance: number;
  },
): Promise<void> {
  const hvp = hessianVectorProduct(model, options);
  const vectors = Object.fromEntries(options.trainable.map((name, k) => {
    const { dims, type } = inputs[name]!;
    return [name, { ...normal(2000 + k, dims), ...(type === undefined ? {} : { type }) }];
  }));
  const feeds = Object.fromEntries(
    options.trainable.map((name) => [hvp.vectors.get(name)!, vectors[name]!]),
  );
  const session = await openModel(hvp.model);
  try {
    const actual = await session.run({ ...inputs, ...feeds });
    const along = async (delta: number) => {
      const moved = mapValues(inputs, (v, name) => {
        const direction = vectors[name];
        if (direction === undefined) return v;
        return { ...v, data: v.data.map((x, i) => x + delta * direction.data[i]!) };
      });
      return await gradient.run(moved);
    };
    const [p1, m1, p2, m2] = [
      await along(h),
      await along(-h),
      await along(2 * h),
      await along(-2 * h),
    ];
    for (const name of options.trainable) {
      const g = gradients.get(name)!;
      const expected = p1[g]!.data.map((_, i) =>
        (8 * (p1[g]!.data[i]! - m1[g]!.data[i]!) - (p2[g]!.data[i]! - m2[g]!.data[i]!)) / (12 * h)
      );
      compare(
        actual[hvp.products.get(name)!]!.data,
        expected,
        test.secondTolerance ?? 5 * tolerance,
        `${test.name}: Hessian-vector product of "${name}"`,
      );
    }
  } finally {
    await session.release();
  }
}

async function stencil(f: (delta: number) => Promise<number>, h: number): Promise<number> {
  const near = await f(h) - await f(-h);
  const far = await f(2 * h) - await f(-2 * h);
  return (8 * near - far) / (12 * h);
}

async function secant(f: (delta: number) => Promise<number>, h: number): Promise<number> {
  return (await f(h) - await f(-h)) / (2 * h);
}

/** Compares relative to the largest expected element (at least 1e-3, for gradients that vanish). */
export function compare(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: number of elements`);
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  actual.forEach((value, i) => {
    const error = Math.abs(value - expected[i]!) / scale;
    if (error <= tolerance) return;
    // NaN too. The message is made only here: gradients have many elements.
    assert.fail(
      `${what}: element ${i} is ${value}, expected ${expected[i]} (error ${error} of the largest)`,
    );
  });
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, v]) => [name, map(v, name)]));
}

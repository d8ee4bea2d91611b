import fc from "fast-check";
import assert from "node:assert/strict";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import {
  checkGradients,
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  type TestGraph,
  type Value,
} from "../_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

const { BOOL, INT64 } = DataType;

type Dims = readonly number[];
const product = (dims: Dims) => dims.reduce((a, b) => a * b, 1);
const total = (values: Dims) => values.reduce((a, b) => a + b, 0);

/** What a step may read: numbers that choose, whatever their range. */
interface Choice {
  readonly kind: number;
  readonly of: number;
  readonly with: number;
  readonly how: number;
}

/** A graph while it is drawn: every value has a known shape. */
interface Drawing {
  readonly nodes: NodeProto[];
  readonly inputs: Record<string, Value>;
  readonly initializers: Record<string, Value>;
  /** Values in the order in which they are made. */
  readonly values: { readonly name: string; readonly dims: Dims }[];
}

type Step = (d: Drawing, x: { name: string; dims: Dims }, c: Choice) => void;

const put = (
  d: Drawing,
  opType: string,
  inputs: readonly string[],
  dims: Dims,
  attributes: Parameters<typeof makeNode>[3] = {},
) => {
  const name = `v${d.values.length}`;
  d.nodes.push(makeNode(opType, inputs, [name], attributes));
  d.values.push({ name, dims });
};

const stored = (d: Drawing, value: Value): string => {
  const name = `k${Object.keys(d.initializers).length}`;
  d.initializers[name] = value;
  return name;
};
const ints = (d: Drawing, ...data: number[]) =>
  stored(d, { dims: [data.length], data, type: INT64 });

/** A new input in a shape: a parameter. */
const fed = (d: Drawing, dims: Dims): string => {
  const name = `p${Object.keys(d.inputs).length}`;
  // Small: a graph of products of products must not grow beyond what differences can resolve.
  d.inputs[name] = normal(100 + Object.keys(d.inputs).length, dims, (x) => 0.7 * Math.tanh(x));
  return name;
};

/** An earlier value that broadcasts with `x`, or a new one that does. */
function partner(d: Drawing, x: Dims, c: Choice): { name: string; dims: Dims } {
  const fits = d.values.filter(({ dims }) => broadcast(x, dims) !== undefined);
  const found = fits[c.with % (fits.length + 1)];
  if (found !== undefined) return found;
  // Axes that the bits of `how` choose are stretched; leading ones may be missing.
  const own = x.map((n, k) => (c.how >> k) % 2 === 0 ? n : 1).slice(c.with % (x.length + 1));
  return { name: fed(d, own), dims: own };
}

function broadcast(x: Dims, y: Dims): Dims | undefined {
  const rank = Math.max(x.length, y.length);
  const at = (dims: Dims, k: number) => dims[k - rank + dims.length] ?? 1;
  const dims = Array.from({ length: rank }, (_, k) => Math.max(at(x, k), at(y, k)));
  const fits = dims.every((n, k) => [1, n].includes(at(x, k)) && [1, n].includes(at(y, k)));
  return fits && product(dims) <= LARGEST ? dims : undefined;
}

const LARGEST = 24;
const axisOf = (x: Dims, c: Choice) => c.how % x.length;
const some = (x: Dims, c: Choice) => x.map((_, k) => k).filter((k) => (c.how >> k) % 2 === 1);

const unary = (opType: string): Step => (d, x) => put(d, opType, [x.name], x.dims);

/** Of what may be negative or large: `f(1 + x²)` or `f(tanh x)`. */
const tamed = (opType: string, by: "positive" | "bounded"): Step => (d, x) => {
  if (by === "bounded") {
    put(d, "Tanh", [x.name], x.dims);
  } else {
    put(d, "Mul", [x.name, x.name], x.dims);
    put(d, "Add", [d.values.at(-1)!.name, stored(d, { dims: [], data: [1] })], x.dims);
  }
  put(d, opType, [d.values.at(-1)!.name], x.dims);
};

const binary = (opType: string): Step => (d, x, c) => {
  const y = partner(d, x.dims, c);
  const dims = broadcast(x.dims, y.dims)!;
  put(d, opType, c.how % 3 === 0 ? [y.name, x.name] : [x.name, y.name], dims);
};

const divide: Step = (d, x, c) => {
  const y = partner(d, x.dims, c);
  tamed("Identity", "positive")(d, y, c);
  put(d, "Div", [x.name, d.values.at(-1)!.name], broadcast(x.dims, y.dims)!);
};

const reduction = (opType: string): Step => (d, x, c) => {
  const axes = some(x.dims, c);
  const keepdims = c.with % 2;
  const all = axes.length === 0;
  const gone = (k: number) => all || axes.includes(k);
  const dims = x.dims.flatMap((n, k) => !gone(k) ? [n] : keepdims === 1 ? [1] : []);
  // Counted from the end, too.
  const signed = axes.map((k) => c.with % 3 === 0 ? k - x.dims.length : k);
  put(d, opType, all ? [x.name] : [x.name, ints(d, ...signed)], dims, { keepdims });
};

const matMul: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const inner = x.dims.at(-1)!;
  const width = 1 + c.how % 3;
  const fits = d.values.filter(({ dims }) => dims.length === 2 && dims[0] === inner);
  const y = fits[c.with % (fits.length + 1)] ??
    { name: fed(d, [inner, width]), dims: [inner, width] };
  put(d, "MatMul", [x.name, y.name], [...x.dims.slice(0, -1), y.dims[1]!]);
};

const gemm: Step = (d, x, c) => {
  if (x.dims.length !== 2) return;
  const [transA, transB] = [c.how % 2, (c.how >> 1) % 2];
  const [rows, inner] = transA === 1 ? [x.dims[1]!, x.dims[0]!] : [x.dims[0]!, x.dims[1]!];
  const columns = 1 + c.with % 3;
  const w = fed(d, transB === 1 ? [columns, inner] : [inner, columns]);
  const shapes = [undefined, [columns], [rows, 1], [], [rows, columns]];
  const bias = shapes[c.with % shapes.length];
  const inputs = bias === undefined ? [x.name, w] : [x.name, w, fed(d, bias)];
  put(d, "Gemm", inputs, [rows, columns], { transA, transB, alpha: float(0.5), beta: float(2) });
};

const transposed: Step = (d, x, c) => {
  const perm = x.dims.map((_, k) => k);
  for (let k = perm.length - 1; k > 0; k--) {
    const j = (c.how + k * c.with) % (k + 1);
    [perm[k], perm[j]] = [perm[j]!, perm[k]!];
  }
  put(d, "Transpose", [x.name], perm.map((k) => x.dims[k]!), { perm });
};

const reshaped: Step = (d, x, c) => {
  const size = product(x.dims);
  const factors = [1, 2, 3, 4, 6].filter((n) => size % n === 0);
  const first = factors[c.how % factors.length]!;
  const rest = size / first;
  const [target, dims]: [number[], number[]] = [
    [[first, -1], [first, rest]],
    [[-1], [size]],
    [[-1, 1, first], [rest, 1, first]],
  ][c.with % 3] as [number[], number[]];
  put(d, "Reshape", [x.name, ints(d, ...target)], dims);
};

const concat: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const fits = d.values.filter(({ dims }) =>
    dims.length === x.dims.length && dims.every((n, k) => k === axis || n === x.dims[k])
  );
  const y = fits[c.with % fits.length]!;
  const dims = x.dims.map((n, k) => k === axis ? n + y.dims[k]! : n);
  if (product(dims) > LARGEST) return;
  put(d, "Concat", [x.name, y.name], dims, { axis: c.with % 2 === 0 ? axis : axis - dims.length });
};

const sliced: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  const [start, end, step] = [
    [0, n - 1, 1],
    [1, 1000, 1],
    [-1, -1000, -1],
    [0, n, 2],
    [n, -n - 1, -2],
  ][c.with % 5] as [number, number, number];
  const taken = [
    n - 1,
    n - 1,
    n,
    Math.ceil(n / 2),
    Math.ceil(n / 2),
  ][c.with % 5]!;
  if (taken === 0) return;
  const bounds = [[start], [end], [axis], [step]].map((v) => ints(d, ...v));
  put(d, "Slice", [x.name, ...bounds], x.dims.map((m, k) => k === axis ? taken : m));
};

const split: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  if (n < 2) return;
  const first = 1 + c.with % (n - 1);
  const names = [`v${d.values.length}`, `v${d.values.length + 1}`];
  d.nodes.push(makeNode("Split", [x.name, ints(d, first, n - first)], names, { axis }));
  names.forEach((name, j) => {
    const size = j === 0 ? first : n - first;
    d.values.push({ name, dims: x.dims.map((m, k) => k === axis ? size : m) });
  });
};

const gathered: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const n = x.dims[axis]!;
  // Repeated, and counted from the end.
  const indices = ints(d, c.with % n, -1, c.with % n);
  const dims = x.dims.map((m, k) => k === axis ? 3 : m);
  if (product(dims) <= LARGEST) put(d, "Gather", [x.name, indices], dims, { axis });
};

const padded: Step = (d, x, c) => {
  const before = x.dims.map((_, k) => (c.how >> k) % 2);
  const after = x.dims.map((_, k) => (c.with >> k) % 2);
  const dims = x.dims.map((n, k) => n + before[k]! + after[k]!);
  if (x.dims.length === 0 || product(dims) > LARGEST) return;
  put(d, "Pad", [x.name, ints(d, ...before, ...after)], dims);
};

const along = (opType: string): Step => (d, x, c) => {
  if (x.dims.length === 0) return;
  put(d, opType, [x.name], x.dims, { axis: axisOf(x.dims, c) });
};

const cumulated: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = stored(d, { dims: [], data: [axisOf(x.dims, c)], type: INT64 });
  const attributes = { exclusive: c.with % 2, reverse: (c.with >> 1) % 2 };
  put(d, "CumSum", [x.name, axis], x.dims, attributes);
};

const normalized: Step = (d, x, c) => {
  if (x.dims.length === 0) return;
  const axis = axisOf(x.dims, c);
  const own = x.dims.slice(axis);
  // Of one element (or of equal ones) x̂ is 0/√ε: too steep for differences.
  put(d, "LayerNormalization", [x.name, fed(d, own), fed(d, own)], x.dims, {
    axis,
    epsilon: float(0.5),
  });
};

const chosen: Step = (d, x, c) => {
  const y = partner(d, x.dims, c);
  const dims = broadcast(x.dims, y.dims)!;
  const data = Array.from({ length: product(dims) }, (_, k) => (c.how >> k % 5) % 2);
  const condition = stored(d, { dims, data, type: BOOL });
  put(d, "Where", [condition, x.name, y.name], dims);
};

const expanded: Step = (d, x, c) => {
  const dims = [1 + c.how % 2, ...x.dims.map((n) => n === 1 ? 1 + c.with % 2 : n)];
  if (product(dims) <= LARGEST) put(d, "Expand", [x.name, ints(d, ...dims)], dims);
};

const unsqueezed: Step = (d, x, c) => {
  const at = c.how % (x.dims.length + 1);
  if (x.dims.length > 3) return;
  const dims = [...x.dims.slice(0, at), 1, ...x.dims.slice(at)];
  put(d, "Unsqueeze", [x.name, ints(d, at)], dims);
};

const squeezed: Step = (d, x) => {
  put(d, "Squeeze", [x.name], x.dims.filter((n) => n !== 1));
};

const outer: Step = (d, x) => {
  if (x.dims.length !== 2 || total(x.dims) > 8) return;
  const other = { name: fed(d, x.dims), dims: x.dims };
  put(d, "Einsum", [x.name, other.name], [x.dims[1]!, x.dims[1]!], { equation: "ij,ik->jk" });
};

/** Smooth ones with kernels for double in ONNX Runtime: kinks would have to be kept away from. */
const steps: readonly Step[] = [
  unary("Tanh"),
  unary("Sigmoid"),
  unary("Sin"),
  unary("Cos"),
  unary("Neg"),
  unary("Identity"),
  tamed("Exp", "bounded"),
  tamed("Softplus", "bounded"),
  tamed("Sqrt", "positive"),
  tamed("Log", "positive"),
  tamed("Reciprocal", "positive"),
  binary("Add"),
  binary("Sub"),
  binary("Mul"),
  binary("Mul"),
  divide,
  reduction("ReduceSum"),
  reduction("ReduceMean"),
  reduction("ReduceSumSquare"),
  reduction("ReduceLogSumExp"),
  matMul,
  matMul,
  gemm,
  transposed,
  reshaped,
  concat,
  sliced,
  split,
  gathered,
  padded,
  along("Softmax"),
  along("LogSoftmax"),
  cumulated,
  normalized,
  chosen,
  expanded,
  unsqueezed,
  squeezed,
  outer,
];

const natural = fc.nat(59);
const program = fc.record({
  shape: fc.constantFrom<Dims>([3], [2, 3], [3, 3], [1, 3], [2, 1, 3], [2, 3, 2]),
  choices: fc.array(
    fc.record({ kind: fc.nat(steps.length - 1), of: natural, with: natural, how: natural }),
    { minLength: 1, maxLength: 7 },
  ),
});

/** ONNX Runtime 1.30 makes `x sigmoid(x)` one QuickGelu, which has no kernel for double. */
function hasSilu(nodes: readonly NodeProto[]): boolean {
  const gates = new Map(
    nodes.filter((n) => n.opType === "Sigmoid").map((n) => [n.output[0]!, n.input[0]!]),
  );
  return nodes.some(({ opType, input: [a, b] }) =>
    opType === "Mul" && (gates.get(a!) === b || gates.get(b!) === a)
  );
}

/** The graph of a program; its outputs are the values that nothing reads. */
function draw({ shape, choices }: typeof program extends fc.Arbitrary<infer T> ? T : never) {
  const d: Drawing = { nodes: [], inputs: {}, initializers: {}, values: [] };
  const x = { name: fed(d, shape), dims: shape };
  d.values.push(x);
  for (const c of choices) {
    // Late values more often, for depth.
    const from = d.values.slice(-4);
    const chosen = from[c.of % from.length]!;
    if (chosen.dims.length > 4) continue;
    steps[c.kind]!(d, chosen, c);
  }
  const read = new Set(d.nodes.flatMap((n) => n.input));
  const outputs = d.values.map((v) => v.name).filter((n) => !read.has(n) && n !== x.name);
  return { ...d, outputs: hasSilu(d.nodes) ? [] : outputs };
}

const describe = (nodes: readonly NodeProto[]) =>
  nodes.map((n) => `${n.opType}(${n.input})`).join(" ");
const property = { seed: 20240601, numRuns: 150, endOnFailure: false };

Deno.test("Gradients and Hessian-vector products of random graphs are central differences", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(program, async (drawn) => {
      const { nodes, inputs, initializers, outputs } = draw(drawn);
      if (outputs.length === 0) return;
      for (const { opType } of nodes) seen.set(opType, (seen.get(opType) ?? 0) + 1);
      const test: GradientCase = {
        name: describe(nodes),
        nodes,
        inputs,
        initializers,
        outputs,
        // Deep products have large fifth derivatives, which enter with h⁴.
        tolerance: 2e-6,
      };
      await checkGradients(test);
    }),
    property,
  );
  // So that a change of the drawing does not leave operators out unnoticed.
  assert.ok(seen.size >= 35, `operators drawn: ${[...seen.keys()]}`);
});

/** Results of the same graph under the two ways of declaring its inputs. */
Deno.test("With symbols for sizes random graphs give the same or are refused by name", async () => {
  let [same, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(program, fc.nat(7), async (drawn, mask) => {
      const { nodes, inputs, initializers, outputs } = draw(drawn);
      if (outputs.length === 0) return;
      const output = outputs.at(-1)!;
      const graph: TestGraph = {
        nodes: [...nodes, makeNode("ReduceSumSquare", [output], ["l"], { keepdims: 0 })],
        inputs,
        initializers,
        outputs: ["l"],
      };
      // Each its own symbol: nothing tells that two sizes are equal.
      const symbols = Object.fromEntries(
        Object.entries(inputs).map(([name, { dims }]) => [
          name,
          dims.map((n, k) => ((mask + 1) >> k % 3) % 2 === 1 ? `${name}_${k}` : n),
        ]),
      );
      const trainable = Object.keys(inputs);
      const options = { output: "l", trainable, parameters: "constants" as const };
      const known = hessianVectorProduct(makeModel(graph), options);
      const v = Object.fromEntries(
        trainable.map((name, k) => [known.vectors.get(name)!, normal(k, inputs[name]!.dims)]),
      );
      const expected = await runModel(known.model, { ...inputs, ...v });
      let unknown: ReturnType<typeof hessianVectorProduct>;
      try {
        unknown = hessianVectorProduct(makeModel({ ...graph, symbols }), options);
      } catch (error) {
        assert.ok(error instanceof OnnxError, `${describe(nodes)}: ${error}`);
        refused++;
        return;
      }
      same++;
      const found = await runModel(unknown.model, { ...inputs, ...v });
      for (const name of trainable) {
        for (const names of ["gradients", "products"] as const) {
          const [a, b] = [unknown[names].get(name)!, known[names].get(name)!];
          const what = `${describe(nodes)}: ${names} of "${name}"`;
          assert.deepEqual([...found[a]!.dims], [...expected[b]!.dims], what);
          compare(found[a]!.data, expected[b]!.data, 2e-6, what);
        }
      }
    }),
    property,
  );
  assert.ok(refused < same / 10, `${refused} refused, ${same} the same`);
});

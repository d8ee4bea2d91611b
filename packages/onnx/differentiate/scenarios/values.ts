/**
 * Steps of random graphs that compute new numbers: all smooth, with kernels for double in ONNX Runtime.
 *
 * @module
 */
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import {
  axisOf,
  broadcast,
  fed,
  ints,
  partner,
  put,
  some,
  type Step,
  stored,
  total,
} from "./drawing.ts";

const { INT64 } = DataType;

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

const outer: Step = (d, x) => {
  if (x.dims.length !== 2 || total(x.dims) > 8) return;
  const other = { name: fed(d, x.dims), dims: x.dims };
  put(d, "Einsum", [x.name, other.name], [x.dims[1]!, x.dims[1]!], { equation: "ij,ik->jk" });
};

/** Of what may be 0 or negative. */
const reductionOfPositive = (opType: string): Step => (d, x, c) => {
  tamed("Identity", "positive")(d, x, c);
  reduction(opType)(d, d.values.at(-1)!, c);
};

const power: Step = (d, x, c) => {
  const like = (value: number) => stored(d, { dims: [], data: [value] });
  if (c.how % 2 === 0) return put(d, "Pow", [x.name, like(2 + c.with % 2)], x.dims);
  tamed("Identity", "positive")(d, x, c);
  put(d, "Pow", [d.values.at(-1)!.name, like(-0.5 - c.with % 2)], x.dims);
};

/** Three operands, the first twice. */
const several = (opType: string): Step => (d, x, c) => {
  const y = partner(d, x.dims, c);
  put(d, opType, [x.name, y.name, x.name], broadcast(x.dims, y.dims)!);
};

/** Steps that compute new numbers. */
export const values: readonly Step[] = [
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
  power,
  several("Sum"),
  reduction("ReduceSum"),
  reduction("ReduceMean"),
  reduction("ReduceSumSquare"),
  reduction("ReduceLogSumExp"),
  reduction("ReduceProd"),
  reductionOfPositive("ReduceL2"),
  reductionOfPositive("ReduceLogSum"),
  matMul,
  matMul,
  gemm,
  along("Softmax"),
  along("LogSoftmax"),
  cumulated,
  normalized,
  outer,
];

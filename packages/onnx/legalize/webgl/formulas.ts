/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic } from "../../graph/dims.ts";
import { add, div, mul, neg, reshape, square, sub, transpose } from "../../graph/emit.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import type { NodeContext } from "../../graph/rule.ts";

type Formula = (n: NodeContext) => string | undefined;

const x0 = (n: NodeContext) => n.input(0)!;

/** 1 where the condition holds, else 0, as float32. */
export const mask = (b: Builder, condition: string): string =>
  b.dataType(condition) === DataType.BOOL
    ? b.op("Cast", [condition], { to: DataType.FLOAT })
    : condition;

const without = (b: Builder, m: string) => sub(b, b.constant([1], DataType.FLOAT, []), m);

/** Whether a value is zero everywhere. */
export function isZero(b: Builder, name: string): boolean {
  if (b.scalarValue(name) === 0) return true;
  const node = b.producer(name);
  return node !== undefined && /^(Mul|Expand|Reshape|Identity)$/.test(node.opType) &&
    isZero(b, node.input[0]!);
}

/** `c x + (1 − c) y`: finite values only, an infinite one that is not chosen gives NaN. */
function choose(b: Builder, c: string, x: string, y: string): string {
  if (isZero(b, y)) return b.op("Mul", [c, x]);
  if (isZero(b, x)) return b.op("Mul", [without(b, c), y]);
  return b.op("Add", [b.op("Mul", [c, x]), b.op("Mul", [without(b, c), y])]);
}

const extremum = (wins: string): Formula => ({ b, node }) => {
  const [first, ...rest] = node.input as [string, ...string[]];
  return rest.reduce(
    (best, x) => choose(b, mask(b, b.op(wins, [best, x])), best, x),
    first,
  );
};

/** `1 − e^{−x²} Σ a_k tᵏ` with the sign of x, `t = 1/(1 + p |x|)`: |error| < 1.5e−7. */
// Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 7.1.26.
const erf: Formula = (n) => {
  const { b } = n;
  const x = x0(n);
  const t = div(b, b.scalar(1, x), add(b, mul(b, b.op("Abs", [x]), 0.3275911), 1));
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (sum: string | undefined, a) => sum === undefined ? mul(b, t, a) : mul(b, add(b, sum, a), t),
    undefined,
  )!;
  const tail = mul(b, series, b.op("Exp", [neg(b, square(b, x))]));
  return mul(b, b.op("Sign", [x]), sub(b, b.scalar(1, x), tail));
};

/** `max(x, 0) + ln(1 + e^{−|x|})`, which overflows nowhere. */
const softplus: Formula = (n) => {
  const { b } = n;
  const small = b.op("Exp", [neg(b, b.op("Abs", [x0(n)]))]);
  return add(b, b.op("Relu", [x0(n)]), b.op("Log", [add(b, small, 1)]));
};

const gelu: Formula = (n) => {
  const { b } = n;
  const x = x0(n);
  if (n.string("approximate", "none") === "tanh") {
    const inner = mul(
      b,
      add(b, x, mul(b, mul(b, square(b, x), x), 0.044715)),
      Math.sqrt(2 / Math.PI),
    );
    return mul(b, mul(b, x, 0.5), add(b, b.op("Tanh", [inner]), 1));
  }
  return mul(b, mul(b, x, 0.5), add(b, b.op("Erf", [mul(b, x, Math.SQRT1_2)]), 1));
};

/** `½ (eˣ ± e⁻ˣ)`. */
const hyperbolic = (sign: 1 | -1): Formula => (n) => {
  const { b } = n;
  const [up, down] = [b.op("Exp", [x0(n)]), b.op("Exp", [neg(b, x0(n))])];
  return mul(b, sign > 0 ? add(b, up, down) : sub(b, up, down), 0.5);
};

const hardSigmoid: Formula = (n) => {
  const { b } = n;
  const line = add(b, mul(b, x0(n), n.float("alpha", 0.2)), n.float("beta", 0.5));
  return b.op("Clip", [line, b.scalar(0, line), b.scalar(1, line)]);
};

/** Elements that a constant of ones may have. */
const MOST_ONES = 4096;

/**
 * Repeats elements along axes of size one by multiplying with ones, as few at a time as give a small
 * constant. Its own Tile keeps the repeats of the first call with an input of the same shape.
 */
function stretched(b: Builder, x: string, to: readonly number[]): string {
  let y = x;
  let ones = to.map(() => 1);
  const apply = () => {
    const count = ones.reduce((a, d) => a * d, 1);
    if (count > 1) y = mul(b, y, b.constant(Array(count).fill(1), DataType.FLOAT, ones));
    ones = to.map(() => 1);
  };
  b.dims(x).forEach((d, k) => {
    if (d !== 1 || to[k] === 1) return;
    if (ones.reduce((a, o) => a * o, 1) * to[k]! > MOST_ONES) apply();
    ones[k] = to[k]!;
  });
  apply();
  return y;
}

/** A broadcast. */
const expand: Formula = (n) => {
  const { b, node } = n;
  const [from, target] = [n.dims(0), b.known(node.input[1]!)];
  const goal = isStatic(target) ? target : undefined;
  if (!isStatic(from) || goal === undefined) return undefined;
  const rank = Math.max(from.length, goal.length);
  const lead = (dims: readonly number[]) => [...Array(rank - dims.length).fill(1), ...dims];
  const [small, big] = [lead(from), lead(goal)];
  return stretched(b, reshape(b, x0(n), small), small.map((d, k) => d === 1 ? big[k]! : d));
};

/** Whole copies: of axes of size one by a broadcast, else side by side. */
const tile: Formula = (n) => {
  const { b } = n;
  const [dims, repeats] = [n.dims(0), b.known(n.input(1)!)];
  if (!isStatic(dims) || !isStatic(repeats)) return undefined;
  const y = stretched(b, x0(n), dims.map((d, k) => d === 1 ? repeats[k]! : d));
  return dims.reduce((value, d, k) => {
    const times = d === 1 ? 1 : repeats[k]!;
    return times === 1 ? value : b.op("Concat", Array(times).fill(value), { axis: k });
  }, y);
};

/** Products with a triangle of ones. */
const cumSum: Formula = (n) => {
  const { b } = n;
  const dims = n.dims(0);
  const given = b.known(n.input(1)!)?.[0];
  if (!isStatic(dims) || typeof given !== "number") return undefined;
  const axis = given < 0 ? given + dims.length : given;
  const size = dims[axis]!;
  const [exclusive, reverse] = [n.int("exclusive", 0), n.int("reverse", 0) !== 0];
  const ones = Array.from({ length: size * size }, (_, k) => {
    const [from, to] = [Math.floor(k / size), k % size];
    return (reverse ? from - to : to - from) >= (exclusive !== 0 ? 1 : 0) ? 1 : 0;
  });
  const perm = dims.map((_, k) => k === axis ? dims.length - 1 : k === dims.length - 1 ? axis : k);
  const last = transpose(b, x0(n), perm);
  const rows = reshape(b, last, [dims.reduce((a, d) => a * d, 1) / size, size]);
  const sums = b.op("MatMul", [rows, b.constant(ones, DataType.FLOAT, [size, size])]);
  return transpose(b, reshape(b, sums, perm.map((k) => dims[k]!)), perm);
};

/** A product with a triangle of ones. */
const trilu: Formula = (n) => {
  const { b } = n;
  const dims = n.dims(0);
  const k = n.input(1) === undefined ? 0 : b.known(n.input(1)!)?.[0];
  if (!isStatic(dims) || typeof k !== "number") return undefined;
  const [rows, columns] = dims.slice(-2) as [number, number];
  const upper = n.int("upper", 1) !== 0;
  const kept = Array.from({ length: rows * columns }, (_, at) => {
    const offset = at % columns - Math.floor(at / columns);
    return (upper ? offset >= k : offset <= k) ? 1 : 0;
  });
  return mul(b, x0(n), b.constant(kept, DataType.FLOAT, [rows, columns]));
};

/** Each element repeated by whole factors: the form of Resize that pooling gradients use. */
const resize: Formula = (n) => {
  const { b, node } = n;
  const [from, to] = [n.dims(0), b.type(node.output[0]!)?.dims ?? goalOf(n)];
  const plain = n.string("mode", "nearest") === "nearest" &&
    n.string("coordinate_transformation_mode", "half_pixel") === "asymmetric" &&
    n.string("nearest_mode", "round_prefer_floor") === "floor";
  if (!plain || !isStatic(from) || !isStatic(to)) return undefined;
  const times = to.map((d, k) => d / from[k]!);
  if (times.some((t) => !Number.isInteger(t))) return undefined;
  // One axis at a time: textures have at most six.
  let [y, dims] = [x0(n), [...from]];
  times.forEach((t, k) => {
    if (t === 1) return;
    const apart = reshape(b, y, [...dims.slice(0, k + 1), 1, ...dims.slice(k + 1)]);
    const shape = [...dims.slice(0, k + 1), t, ...dims.slice(k + 1)];
    dims = dims.map((d, j) => j === k ? d * t : d);
    y = reshape(b, stretched(b, apart, shape), dims);
  });
  return y;
};

function goalOf(n: NodeContext): number[] | undefined {
  const from = n.dims(0);
  const scales = n.input(2) === undefined ? undefined : n.b.initializers.get(n.input(2)!);
  if (scales?.rawData === undefined || !isStatic(from)) return undefined;
  const values = new Float32Array(scales.rawData.slice().buffer);
  return values.length === from.length ? from.map((d, k) => Math.floor(d * values[k]!)) : undefined;
}

/** Over the axes from `axis` on; mean and 1/deviation are outputs 1 and 2. */
function layerNorm(n: NodeContext): boolean {
  const { b, node } = n;
  if (node.opType !== "LayerNormalization") return false;
  const rank = b.dims(x0(n)).length;
  const axes = Array.from({ length: rank }, (_, k) => k).slice(n.int("axis", -1));
  const mean = b.op("ReduceMean", [x0(n), b.ints(axes)], { keepdims: 1 });
  const centred = sub(b, x0(n), mean);
  const variance = b.op("ReduceMean", [square(b, centred), b.ints(axes)], { keepdims: 1 });
  const root = b.op("Sqrt", [add(b, variance, n.float("epsilon", 1e-5))]);
  const inverse = div(b, b.scalar(1, root), root);
  const white = mul(b, centred, inverse);
  const scaled = b.op("Mul", [white, n.input(1)]);
  b.alias(n.input(2) === undefined ? scaled : b.op("Add", [scaled, n.input(2)]), node.output[0]!);
  [mean, inverse].forEach((value, k) => {
    const name = node.output[k + 1] ?? "";
    if (name !== "") b.alias(value, name);
  });
  return true;
}

export { layerNorm };

/** What WebGL lacks beyond WebGPU, by operator. */
export const webglFormulas: Readonly<Record<string, Formula>> = {
  Where: ({ b, node }) => choose(b, mask(b, node.input[0]!), node.input[1]!, node.input[2]!),
  Max: extremum("Greater"),
  Min: extremum("Less"),
  Sign: (n) => {
    const zero = n.b.scalar(0, x0(n));
    const side = (op: string) => mask(n.b, n.b.op(op, [x0(n), zero]));
    return sub(n.b, side("Greater"), side("Less"));
  },
  GreaterOrEqual: ({ b, node }) => b.op("Not", [b.op("Less", node.input)]),
  LessOrEqual: ({ b, node }) => b.op("Not", [b.op("Greater", node.input)]),
  Erf: erf,
  Gelu: gelu,
  Softplus: softplus,
  Reciprocal: (n) => div(n.b, n.b.scalar(1, x0(n)), x0(n)),
  Sinh: hyperbolic(-1),
  Cosh: hyperbolic(1),
  HardSigmoid: hardSigmoid,
  HardSwish: (n) =>
    mul(
      n.b,
      x0(n),
      n.b.op("HardSigmoid", [x0(n)], { alpha: float(1 / 6), beta: float(0.5) }),
    ),
  Mish: (n) => mul(n.b, x0(n), n.b.op("Tanh", [n.b.op("Softplus", [x0(n)])])),
  Swish: (n) => mul(n.b, x0(n), n.b.op("Sigmoid", [mul(n.b, x0(n), n.float("alpha", 1))])),
  ThresholdedRelu: (n) =>
    mul(
      n.b,
      x0(n),
      mask(n.b, n.b.op("Greater", [x0(n), n.b.scalar(n.float("alpha", 1), x0(n))])),
    ),
  ReduceL1: (n) => again(n, "ReduceSum", n.b.op("Abs", [x0(n)])),
  ReduceL2: (n) => n.b.op("Sqrt", [again(n, "ReduceSumSquare", x0(n))]),
  LpNormalization: (n) => {
    const norm = n.b.op(n.int("p", 2) === 1 ? "ReduceL1" : "ReduceL2", [
      x0(n),
      n.b.ints([n.int("axis", -1)]),
    ], { keepdims: 1 });
    return div(n.b, x0(n), norm);
  },
  Expand: expand,
  Tile: tile,
  CumSum: cumSum,
  Trilu: trilu,
  Resize: resize,
};

/** The same reduction by another operator. */
const again = (n: NodeContext, opType: string, x: string): string =>
  n.b.op(opType, [x, n.input(1)], {
    keepdims: n.int("keepdims", 1),
    noop_with_empty_axes: n.int("noop_with_empty_axes", 0) !== 0 ? 1 : undefined,
  });

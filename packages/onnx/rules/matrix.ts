/** @module */
import {
  broadcastOf,
  float,
  mul,
  product,
  reshape,
  sumTo,
  transposeLast,
  unsqueeze,
} from "./shared/mod.ts";
import type { Builder } from "../graph/builder.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/** `Z = X Y` over the last two axes, the others broadcast: ∂X = ∂Z Yᵀ, ∂Y = Xᵀ ∂Z. */
const matMul: OperatorRule = {
  opType: "MatMul",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    return type === undefined ? [] : [{ dataType: type.dataType, dims: matMulDims(n) }];
  },
  gradient: (n) => {
    const { b } = n;
    const [x, y, dz] = [n.input(0)!, n.input(1)!, n.cotangent()];
    const [rankX, rankY] = [b.dims(x).length, b.dims(y).length];
    // Vectors as matrices, as MatMul itself takes them.
    const matrixX = rankX === 1 ? unsqueeze(b, x, [0]) : x;
    const matrixY = rankY === 1 ? unsqueeze(b, y, [1]) : y;
    let matrixZ = dz;
    if (rankY === 1) matrixZ = unsqueeze(b, matrixZ, [-1]);
    if (rankX === 1) matrixZ = unsqueeze(b, matrixZ, [-2]);
    const dx = () => {
      const full = b.op("MatMul", [matrixZ, transposeLast(b, matrixY)]);
      return backTo(b, full, x, matrixX);
    };
    const dy = () => {
      if (rankX > 2 && rankY === 2) return sharedWeight(b, matrixX, matrixZ);
      return backTo(b, b.op("MatMul", [transposeLast(b, matrixX), matrixZ]), y, matrixY);
    };
    return [n.wants(0) ? dx() : undefined, n.wants(1) ? dy() : undefined];
  },
};

/** Sums a gradient over broadcast batch axes and drops the axis that made a vector a matrix. */
function backTo(b: Builder, gradient: string, input: string, matrix: string): string {
  const summed = sumTo(b, gradient, matrix);
  return matrix === input ? summed : reshape(b, summed, b.dims(input), b.op("Shape", [input]));
}

/** `Σ_batch Xᵀ ∂Z` as one product of matrices instead of a batch of them and a sum. */
function sharedWeight(b: Builder, x: string, dz: string): string {
  const flat = (value: string) => {
    const dims = b.dims(value);
    const last = dims[dims.length - 1]!;
    const shape = b.op("Concat", [b.ints([-1]), b.op("Shape", [value], { start: -1 })], {
      axis: 0,
    });
    return reshape(b, value, [product(dims.slice(0, -1)), last], shape);
  };
  return b.op("Gemm", [flat(x), flat(dz)], { transA: 1 });
}

function matMulDims(n: NodeContext) {
  const [x, y] = [n.dims(0), n.dims(1)];
  if (x === undefined || y === undefined) return undefined;
  if (x.length === 0 || y.length === 0) n.refuse("multiply in", `shapes [${x}] and [${y}]`);
  const [inner, other] = [x[x.length - 1]!, y[Math.max(0, y.length - 2)]!];
  if (typeof inner === "number" && typeof other === "number" && inner !== other) {
    n.refuse("multiply in", `shapes [${x}] and [${y}]: inner sizes ${inner} and ${other} differ`);
  }
  const batch = broadcastOf(n.b, [x.slice(0, -2), y.slice(0, -2)])!;
  return [
    ...batch,
    ...(x.length > 1 ? [x[x.length - 2]!] : []),
    ...(y.length > 1 ? [y[y.length - 1]!] : []),
  ];
}

/**
 * `Z = α A' B' + β C`, A' and B' transposed by attribute:
 * ∂A' = α ∂Z B'ᵀ, ∂B' = α A'ᵀ ∂Z, ∂C = β ∂Z summed to the shape of C.
 */
const gemm: OperatorRule = {
  opType: "Gemm",
  since: 7,
  infer: (n) => {
    const [type, a, c] = [n.type(0), n.dims(0), n.dims(1)];
    if (type === undefined) return [];
    if (a === undefined || c === undefined) return [{ dataType: type.dataType }];
    if (a.length !== 2 || c.length !== 2) n.refuse("multiply in", `shapes [${a}] and [${c}]`);
    const [transA, transB] = [n.int("transA", 0) !== 0, n.int("transB", 0) !== 0];
    const [inner, other] = [a[transA ? 0 : 1]!, c[transB ? 1 : 0]!];
    if (typeof inner === "number" && typeof other === "number" && inner !== other) {
      n.refuse("multiply in", `shapes [${a}] and [${c}]: inner sizes ${inner} and ${other} differ`);
    }
    return [{ dataType: type.dataType, dims: [a[transA ? 1 : 0]!, c[transB ? 0 : 1]!] }];
  },
  gradient: (n) => {
    const { b } = n;
    const [a, c, dz] = [n.input(0)!, n.input(1)!, n.cotangent()];
    const [transA, transB] = [n.int("transA", 0), n.int("transB", 0)];
    const alpha = n.float("alpha", 1);
    const beta = n.float("beta", 1);
    const product = (x: string, y: string, tx: number, ty: number) =>
      b.op("Gemm", [x, y], {
        alpha: alpha === 1 ? undefined : float(alpha),
        transA: tx === 0 ? undefined : 1,
        transB: ty === 0 ? undefined : 1,
      });
    const da = () => transA === 0 ? product(dz, c, 0, 1 - transB) : product(c, dz, transB, 1);
    const db = () => transB === 0 ? product(a, dz, 1 - transA, 0) : product(dz, a, 1, transA);
    const bias = n.input(2);
    return [
      n.wants(0) ? da() : undefined,
      n.wants(1) ? db() : undefined,
      bias !== undefined && n.wants(2) ? mul(b, sumTo(b, dz, bias), beta) : undefined,
    ];
  },
};

/** Products of matrices. */
export const matrix: readonly OperatorRule[] = [matMul, gemm];

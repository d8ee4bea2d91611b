/** @module */
import type { Operand } from "../../graph/builder.ts";
import { isStatic, product, sameDims } from "../../graph/dims.ts";
import { mul, reduceSum, reshape, square, transposeLast } from "../../graph/emit.ts";
import { float } from "../../model/attributes.ts";
import {
  asMatrices,
  broadcastShares,
  byExample,
  type Examples,
  type PerExampleRule,
  refuseExamples,
} from "./examples.ts";
import { padded, taps } from "../convolution/conv_emit.ts";
import { weightDims } from "../convolution/conv.ts";
import { requirePadding, windowsOf } from "../shared/windows.ts";

/** Whether each example is one row, so that squares need no sum within an example. */
const oneRow = (n: Examples, value: string) => {
  const dims = n.b.dims(value);
  return dims.length === 2 && dims[0] === n.batch;
};

/** `G_i = x_iᵀ δ_i`, for x_i, δ_i the rows of example i. */
const outer = (n: Examples, x: string, delta: string) =>
  n.b.op("MatMul", [transposeLast(n.b, asMatrices(n, x)), asMatrices(n, delta)]);

/** `scale δ∘δ`, which a weight and the bias beside it share. */
const scaledSquare = ({ b }: Examples, delta: string, scale: Operand) =>
  mul(b, square(b, delta), scale);

/** `scale Σ_i (x_iᵀ δ_i)² = scale (X∘X)ᵀ(δ∘δ)` where each example is one row; or its transpose. */
function outerSquares(
  n: Examples,
  { x, delta, scale, turned = false }: {
    readonly x: string;
    readonly delta: string;
    readonly scale: Operand;
    readonly turned?: boolean;
  },
): string {
  const { b } = n;
  // The attribute is a float32.
  const free = typeof scale === "number" && Math.fround(scale) === scale;
  // Scaling the rows touches fewer elements than scaling the product.
  const squares = free ? square(b, delta) : scaledSquare(n, delta, scale);
  const factors = [square(b, x), squares];
  return b.op("Gemm", turned ? factors.reverse() : factors, {
    alpha: free && scale !== 1 ? float(scale) : undefined,
    transA: 1,
  });
}

/** `z = x w` with the parameter on the right. */
const matMul: PerExampleRule = {
  shares: (n, index) => {
    const [x, w] = [n.input(0)!, n.input(1)!];
    if (index !== 1 || n.b.dims(w).length !== 2 || n.b.dims(x).length < 2) {
      refuseExamples(
        n,
        `the parameter must be a matrix on the right, operands have shapes [${n.b.dims(x)}] and [${
          n.b.dims(w)
        }]`,
      );
    }
    return { value: outer(n, x, n.cotangent()) };
  },
  squares: (n, index, scale) => {
    const x = n.input(0)!;
    if (index !== 1 || n.b.dims(n.input(1)!).length !== 2 || !oneRow(n, x)) return undefined;
    return outerSquares(n, { x, delta: n.cotangent(), scale });
  },
};

/** `Z = α A' B' + β C`. */
const gemm: PerExampleRule = {
  shares: (n, index) => {
    const { b } = n;
    const delta = n.cotangent();
    if (index === 2) {
      return broadcastShares(n, mul(b, delta, n.float("beta", 1)), n.input(2)!);
    }
    const x = leftOf(n, index);
    // α with the narrower factor: cheaper than with the product.
    const value = outer(n, x, mul(b, delta, n.float("alpha", 1)));
    return { value, ...(isTurned(n) ? { arrange: (y: string) => transposeLast(b, y) } : {}) };
  },
  squares: (n, index, scale) => {
    const { b } = n;
    const delta = n.cotangent();
    if (!oneRow(n, delta)) return undefined;
    if (index === 2) {
      const plain = n.float("beta", 1) === 1 &&
        sameDims(b.dims(n.input(2)!), b.dims(delta).slice(1));
      return plain ? reduceSum(b, scaledSquare(n, delta, scale), [0], false) : undefined;
    }
    const alpha = n.float("alpha", 1);
    const factor = typeof scale === "number" ? scale * alpha * alpha : mul(b, scale, alpha * alpha);
    return outerSquares(n, { x: leftOf(n, index), delta, scale: factor, turned: isTurned(n) });
  },
};

const isTurned = (n: Examples) => n.int("transB", 0) !== 0;

function leftOf(n: Examples, index: number): string {
  if (index !== 1 || n.int("transA", 0) !== 0) {
    refuseExamples(n, "the parameter must be B, and A not transposed");
  }
  return n.input(0)!;
}

/**
 * `G_i[o, k, c] = Σ_p δ_i[o, p] x_i[c, stride·p + dilation·k − begin]`, by unfolding the input; for
 * several groups with each group apart.
 */
const conv: PerExampleRule = {
  shares: (n, index) => {
    const { b } = n;
    const [x, delta] = [n.input(0)!, n.cotangent()];
    const [images, , ...places] = b.dims(delta);
    if (index === 2) {
      const axes = places.map((_, k) => k + 2);
      return broadcastShares(n, reduceSum(b, delta, axes, false), n.input(2)!);
    }
    if (index !== 1) refuseExamples(n, "the parameter must be the weights or the bias");
    const weight = weightDims(n);
    const sizes = b.dims(x);
    if (!isStatic(weight)) refuseExamples(n, `the weights' shape [${weight}] is not known`);
    if (!isStatic(places)) refuseExamples(n, `the sizes of [${sizes}] are not all known`);
    const windows = requirePadding(n, windowsOf(n, weight.slice(2), sizes.slice(2)));
    const group = n.int("group", 1);
    const [outputs, inputs] = [weight[0]!, weight[1]!];
    const count = product(places);
    // Points before channels: longer runs to copy.
    const columns = taps(b, padded(b, x, windows), windows, places).map((tap) =>
      reshape(b, tap, [images!, group, 1, inputs, count])
    );
    const unfolded = columns.length === 1 ? columns[0]! : b.op("Concat", columns, { axis: 2 });
    const groups = group === 1 ? [] : [group];
    const left = reshape(b, delta, [images!, ...groups, outputs / group, count]);
    const right = reshape(b, unfolded, [images!, ...groups, columns.length * inputs, count]);
    const shares = byExample(n, b.op("MatMul", [left, transposeLast(b, right)]));
    const several = b.dims(shares)[0] !== images;
    return {
      value: several ? reduceSum(b, shares, [1], false) : shares,
      arrange: (y, lead) => {
        const apart = reshape(b, y, [...lead, outputs, columns.length, inputs]);
        return reshape(b, transposeLast(b, apart), [...lead, ...weight]);
      },
    };
  },
};

/** Products with a matrix or with weights, by operator. */
export const products: readonly (readonly [string, PerExampleRule])[] = [
  ["MatMul", matMul],
  ["Gemm", gemm],
  ["Conv", conv],
];

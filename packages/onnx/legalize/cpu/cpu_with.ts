/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic, product } from "../../graph/dims.ts";
import { dimOf, reshape } from "../../graph/emit.ts";
import { DataType } from "../../model/data_type.ts";
import type { NodeContext } from "../../graph/rule.ts";
import { knownAxes } from "../../graph/known_axes.ts";
import type { MakeLegality } from "../target.ts";
import { transposedFactors } from "./transposed_factors.ts";

/** Most ones that are written into the file; more are made when it runs. */
const MOST_ONES = 4096;

/** Writes a node in another way, or returns false. */
type Rewriter = (n: NodeContext) => boolean;

/** What writes convolutions in another way, at hand or to be loaded. */
export interface ConvolutionParts {
  /** Transposed convolutions as convolutions. */
  turned(): Rewriter;
  /** Convolutions that are gradients of large windows as products. */
  split(): Rewriter;
}

/**
 * What the CPU provider runs: all of what differentiation writes. Its own optimizer fuses what can be
 * fused (MatMul with one Transpose, activations into Conv and Gemm); what is left for us is what it
 * cannot know, the sizes that the caller gives, and some slow kernels.
 *
 * What is folded here was folded there, once a session; what is computed again stays so, where ONNX
 * Runtime would fold the sizes that it waits for, too.
 */
export function cpuWith({ turned, split }: ConvolutionParts): MakeLegality {
  return (_, { threads }) => ({
    keepsLate: true,
    rewrite: (n) => {
      const { opType, domain } = n.node;
      if (domain !== "") return false;
      return (opType === "ReduceSum" && sumOfRows(n)) ||
        (opType === "MatMul" && transposedFactors(n)) ||
        (opType === "ConvTranspose" && threads > 1 && turned()(n)) ||
        // Both factors are transposed where it is the gradient of weights.
        (opType === "Conv" && [0, 1].every((k) => isTransposed(n, k)) && split()(n));
    },
  });
}

const isTransposed = ({ b, node }: NodeContext, k: number) =>
  b.producer(node.input[k]!)?.opType === "Transpose";

/**
 * `Σ_i x[i, …] = 1ᵀx`: the gradient of a bias. With several threads ReduceSum over leading axes is many
 * times slower than this product, and slower than with one.
 */
function sumOfRows(n: NodeContext): boolean {
  const { b, node } = n;
  const [x, dims, type] = [n.input(0)!, n.dims(0), n.type(0)?.dataType];
  const axes = knownAxes(n);
  if (dims === undefined || axes === undefined || type !== DataType.FLOAT) return false;
  const count = axes.length;
  const leading = count > 0 && count < dims.length && axes.every((a) => a < count) &&
    new Set(axes).size === count;
  const rest = dims.slice(count);
  // Nothing is summed to 0, which a product of nothing need not be.
  if (!leading || !isStatic(rest) || dims.includes(0)) return false;
  const columns = product(rest);
  const rows = product(dims.slice(0, count));
  const matrix = reshape(b, x, [rows, columns]);
  const kept = n.int("keepdims", 1) !== 0 ? dims.slice(0, count).map(() => 1) : [];
  const to = [...kept, ...rest];
  const factors = [ones(b, matrix, rows), matrix];
  // A vector in front has no axis in the product.
  if (to.length === 1) b.node("MatMul", factors, {}, { outputs: node.output });
  else b.node("Reshape", [b.op("MatMul", factors), b.ints(to)], {}, { outputs: node.output });
  return true;
}

/** `[rows]` of ones. */
function ones(b: Builder, matrix: string, rows: string | number): string {
  if (typeof rows === "number" && rows <= MOST_ONES) {
    return b.constant(new Array(rows).fill(1), DataType.FLOAT, [rows]);
  }
  const y = b.op("Expand", [b.constant([1], DataType.FLOAT, []), dimOf(b, matrix, 0)]);
  b.declare(y, { dataType: DataType.FLOAT, dims: [rows] });
  return y;
}

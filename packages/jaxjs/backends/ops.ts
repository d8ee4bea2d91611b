/**
 * Programs as operations of jax-js: for devices whose memory cannot be reached.
 *
 * @module
 */
import { type Array, jit, numpy as np, type OwnedFunction } from "@jax-js/jax";
import type { Kernel, KernelCall, ProductCall, Program } from "@precond/core/backend";

const unary: Readonly<Record<string, (a: Array) => Array>> = {
  neg: np.negative,
  abs: np.abs,
  sqrt: np.sqrt,
  isFinite: np.isfinite,
  not: np.logicalNot,
};
const binary: Readonly<Record<string, (a: Array, b: Array) => Array>> = {
  add: np.add,
  sub: np.subtract,
  mul: np.multiply,
  div: quotient,
  min: smaller,
  max: (a, b) => np.negative(smaller(np.negative(a), np.negative(b))),
  lt: np.less,
  le: np.lessEqual,
  gt: np.greater,
  ge: np.greaterEqual,
  eq: np.equal,
  and: np.logicalAnd,
  or: np.logicalOr,
};

/** NaN if either is. */
function smaller(a: Array, b: Array): Array {
  const sum = a.ref.add(b.ref);
  return np.where(np.isnan(sum.ref), sum, np.minimum(a, b));
}

/**
 * jax-js divides by multiplying with the reciprocal, which overflows for a divisor below 2⁻¹²⁸ and
 * loses its digits for one above 2¹²⁶.
 */
function quotient(a: Array, b: Array): Array {
  const size = np.abs(b.ref);
  const scale = np.where(
    np.less(size.ref, 2 ** -100),
    2 ** 64,
    np.where(np.greater(size, 2 ** 100), 2 ** -64, 1),
  );
  return a.mul(scale.ref).mul(np.reciprocal(b.mul(scale)));
}

/** jax-js adds in order in one float32, which loses digits beyond some hundred summands. */
const block = 256;

/** Sums over the last axis of [rows, columns], in blocks: as [rows, 1]. */
function sumRows(values: Array): Array {
  const rows = values.shape[0]!;
  let columns = values.shape[1]!;
  while (columns > block) {
    const blocks = Math.ceil(columns / block);
    const missing = blocks * block - columns;
    if (missing > 0) values = np.pad(values, [[0, 0], [0, missing]]);
    values = np.sum(values.reshape([rows * blocks, block]), 1).reshape([rows, blocks]);
    columns = blocks;
  }
  return np.sum(values, 1).reshape([rows, 1]);
}

/** The sum of all elements, as [1, 1]. */
const sumAll = (values: Array): Array => sumRows(values.reshape([1, values.size]));

type Layout = Pick<KernelCall<Array>, "rows" | "columns"> & {
  readonly shapes: readonly (readonly number[])[];
};

/** What is traced: the outputs of each call. Consumes all that it is given. */
function evaluate(
  { nodes, sums, inputs, outputs }: Program,
  layouts: readonly Layout[],
  arrays: readonly Array[][],
  scalars: readonly Array[],
): Array[][] {
  const memos = layouts.map(() => new Map<number, Array>());
  const overAll = new Map<number, Array>();
  const view = ({ rows, columns }: Layout, shape: "element" | "row" | "tensor") =>
    ({ element: [rows, columns], row: [rows, 1], tensor: [1, 1] })[shape];
  /** A reference to a node's value for a call, as [rows, columns], [rows, 1] or [1, 1]. */
  const value = (i: number, id: number): Array => {
    let known = memos[i]!.get(id);
    if (!known) memos[i]!.set(id, known = compute(i, id));
    return known.ref;
  };
  // A sum runs over elements, also where its argument is the same for all of them.
  const spread = (i: number, id: number): Array =>
    nodes[id]!.rate === "element"
      ? value(i, id)
      : np.broadcastTo(value(i, id), view(layouts[i]!, "element"));
  const compute = (i: number, id: number): Array => {
    const node = nodes[id]!;
    const arg = (k: number) => value(i, node.args[k]!);
    if (unary[node.op]) return unary[node.op]!(arg(0));
    if (binary[node.op]) return binary[node.op]!(arg(0), arg(1));
    switch (node.op) {
      case "const":
        return np.full([1, 1], node.value!, { dtype: np.float32 });
      case "scalar":
        return scalars[i]!.ref.slice([node.index!, node.index! + 1]).reshape([1, 1]);
      case "read":
        return arrays[i]![node.index!]!.ref.reshape(view(layouts[i]!, inputs[node.index!]!.shape));
      case "select":
        return np.where(arg(0), arg(1), arg(2));
      case "sum": {
        const { node: summand, scope } = sums[node.index!]!;
        if (scope === "row") return sumRows(spread(i, summand));
        if (scope === "tensor") return sumAll(spread(i, summand));
        let total = overAll.get(id);
        if (!total) {
          total = layouts.map((_, k) => sumAll(spread(k, summand))).reduce((a, b) => a.add(b));
          overAll.set(id, total);
        }
        return total.ref;
      }
      default:
        throw new TypeError(`Cannot run as operations of jax-js: unknown operator ${node.op}`);
    }
  };
  const results = layouts.map((layout, i) =>
    outputs.map(({ node, shape }, o) =>
      np.broadcastTo(value(i, node), view(layout, shape)).reshape([...layout.shapes[o]!])
    )
  );
  for (const memo of memos) for (const array of memo.values()) array.dispose();
  for (const array of [...overAll.values(), ...arrays.flat(), ...scalars]) array.dispose();
  return results;
}

/**
 * The program as operations of jax-js under `jit`. A held step is held on the device, but not known
 * here: its step counts advance.
 */
export function opsKernel(program: Program): Kernel<Array> {
  type Traced = (arrays: Array[][], scalars: Array[]) => Array[][];
  const compiled = new Map<string, OwnedFunction<Traced>>();
  return {
    run(calls) {
      // Those without elements stay as they are.
      const filled = calls.filter(({ rows, columns }) => rows * columns > 0);
      const layouts = filled.map(({ rows, columns, outputs }): Layout => ({
        rows,
        columns,
        shapes: outputs.map(({ shape }) => shape),
      }));
      const key = JSON.stringify(layouts);
      let run = compiled.get(key);
      if (!run) {
        run = jit<Traced>((arrays, scalars) => evaluate(program, layouts, arrays, scalars));
        compiled.set(key, run);
      }
      const device = filled[0]?.outputs[0]?.device;
      const results = filled.length === 0 ? [] : run(
        filled.map(({ inputs }) => inputs.map((array) => array.ref)),
        filled.map(({ scalars }) =>
          np.array(Float32Array.from(scalars.length > 0 ? scalars : [0]), device ? { device } : {})
        ),
      );
      let next = 0;
      return calls.map(({ rows, columns, outputs }) => ({
        outputs: rows * columns > 0 ? results[next++]! : outputs,
        held: false,
      }));
    },
    dispose() {
      for (const run of compiled.values()) run.dispose();
      compiled.clear();
    },
  };
}

/** Products as operations of jax-js: new arrays. */
export function multiplyWithOps(calls: readonly ProductCall<Array>[]): Array[] {
  return calls.map(({ a, b, rows, inner, columns, transposeA, transposeB, out }) => {
    const left = a.ref.reshape(transposeA ? [inner, rows] : [rows, inner]);
    const right = b.ref.reshape(transposeB ? [columns, inner] : [inner, columns]);
    const product = np.matmul(
      transposeA ? np.transpose(left) : left,
      transposeB ? np.transpose(right) : right,
    );
    return product.reshape(out.shape);
  });
}

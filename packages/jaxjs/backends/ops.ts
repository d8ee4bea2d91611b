/**
 * Programs as operations of jax-js: for devices whose memory cannot be reached.
 *
 * @module
 */
import { type Array, jit, numpy as np, type OwnedFunction } from "@jax-js/jax";
import {
  type HostOperations,
  type Kernel,
  type KernelCall,
  type ProductCall,
  type Program,
  runOperations,
} from "@precond/core/backend";

/** NaN if either is. */
function smaller(a: Array, b: Array): Array {
  const sum = a.ref.add(b.ref);
  return np.where(np.isnan(sum.ref), sum, np.minimum(a, b));
}

/**
 * jax-js divides by multiplying with the reciprocal, which overflows for a divisor below 2⁻¹²⁸ and
 * loses its digits for one above 2¹²⁶. On webgl it writes 2⁶⁴ as an integer that GLSL has not, 2⁷⁰ with
 * an exponent.
 */
function quotient(a: Array, b: Array): Array {
  const size = np.abs(b.ref);
  const scale = np.where(
    np.less(size.ref, 2 ** -100),
    2 ** 70,
    np.where(np.greater(size, 2 ** 100), 2 ** -70, 1),
  );
  return a.mul(scale.ref).mul(np.reciprocal(b.mul(scale)));
}

const operations: HostOperations<Array> = {
  operators: {
    neg: np.negative,
    abs: np.abs,
    sqrt: np.sqrt,
    isFinite: np.isfinite,
    not: np.logicalNot,
    add: np.add,
    sub: np.subtract,
    mul: np.multiply,
    div: quotient,
    min: smaller,
    max: (a, b) => np.negative(smaller(np.negative(a!), np.negative(b!))),
    lt: np.less,
    le: np.lessEqual,
    gt: np.greater,
    ge: np.greaterEqual,
    eq: np.equal,
    and: np.logicalAnd,
    or: np.logicalOr,
    select: np.where,
  },
  constant: (value) => np.full([1, 1], value, { dtype: np.float32 }),
  reshape: np.reshape,
  broadcast: np.broadcastTo,
  pad: (array, columns) => np.pad(array, [[0, 0], [0, columns]]),
  stack: (arrays) => np.concatenate(arrays),
  sum: (array) => np.sum(array, 1, { keepdims: true }),
  again: (array) => array.ref,
  release: (array) => array.dispose(),
};

type Layout = Pick<KernelCall<Array>, "rows" | "columns"> & {
  readonly shapes: readonly (readonly number[])[];
};

/** What is traced: the outputs of each call. Consumes all that it is given. */
function evaluate(
  program: Program,
  layouts: readonly Layout[],
  arrays: readonly Array[][],
  scalars: readonly Array[],
): Array[][] {
  const calls = layouts.map(({ rows, columns }, i) => ({
    ...{ rows, columns },
    inputs: arrays[i]!,
    scalar: (index: number) => scalars[i]!.ref.slice([index, index + 1]).reshape([1, 1]),
  }));
  const results = runOperations(program, calls, operations).map((outputs, i) =>
    outputs.map((array, o) => array.reshape([...layouts[i]!.shapes[o]!]))
  );
  for (const array of [...arrays.flat(), ...scalars]) array.dispose();
  return results;
}

/**
 * The program as operations of jax-js under `jit`. A held step is held on the device, but not known
 * here: its step counts advance.
 */
export function opsKernel(program: Program): Kernel<Array> {
  type Run = (arrays: Array[][], scalars: Array[]) => Array[][];
  const compiled = new Map<string, OwnedFunction<Run>>();
  const compile = (key: string, run: Run): Run => {
    if (!compiled.has(key)) compiled.set(key, jit(run));
    return compiled.get(key)!;
  };
  return {
    run(calls) {
      // Those without elements stay as they are.
      const filled = calls.filter(({ rows, columns }) => rows * columns > 0);
      const layouts = filled.map(({ rows, columns, outputs }): Layout => ({
        rows,
        columns,
        shapes: outputs.map(({ shape }) => shape),
      }));
      const device = filled[0]?.outputs[0]?.device;
      const plain: Run = (arrays, scalars) => evaluate(program, layouts, arrays, scalars);
      // A shader of jax-js's writes out a value wherever it is used: whole chains never get compiled.
      const run = device === "webgl" ? plain : compile(JSON.stringify(layouts), plain);
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

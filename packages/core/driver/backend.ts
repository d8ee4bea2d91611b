/**
 * What a host offers so that {@linkcode createDriver} can run chains on its arrays.
 *
 * @module
 */
import type { Program } from "../kernel/program.ts";
import type { WasmHeap } from "./wasm_heap.ts";

/** One program run on one parameter. */
export interface KernelCall<A> {
  readonly rows: number;
  readonly columns: number;
  /** In the order of `program.inputs`. */
  readonly inputs: readonly A[];
  /**
   * Where results of `program.outputs` may be written: the current arrays, which are inputs, too, or
   * others of the same shape, if what is current must stay. A kernel may make new ones instead.
   */
  readonly outputs: readonly A[];
  /** In the order of `program.scalars`. */
  readonly scalars: Float64Array;
}

/** What became of a call. */
export interface KernelResult<A> {
  /** Where the new values are, in the order of `program.outputs`. */
  readonly outputs: readonly A[];
  /** Whether the program held the step; false if the backend cannot tell without reading back. */
  readonly held: boolean;
}

/** A compiled program. */
export interface Kernel<A> {
  /** Runs the program on all parameters of a step; sums over "all" run over these calls. */
  run(calls: readonly KernelCall<A>[]): readonly KernelResult<A>[];
  /** Frees what it keeps between steps. */
  dispose?(): void;
}

/** One matrix product, `out = op(a) · op(b)`, row-major float32; op transposes if asked. */
export interface ProductCall<A> {
  /** Shape [rows, inner], or [inner, rows] if transposed. */
  readonly a: A;
  /** Shape [inner, columns], or [columns, inner] if transposed. May be the array `a`. */
  readonly b: A;
  /** Shape [rows, columns]. May be written into; never `a` or `b`. */
  readonly out: A;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** One copy of an array. */
export interface CopyCall<A> {
  readonly from: A;
  readonly shape: readonly number[];
  /** May be written into; left out, a new array is made. Never `from`. */
  readonly into?: A;
}

/** What a device was asked for. */
export interface LateRead extends Promise<Float32Array> {
  /**
   * Waits for the device; undefined if that is impossible. For hosts whose steps do not wait, so that
   * what a step needs is there in time.
   */
  now?(): Float32Array | undefined;
}

/** Arrays of a host and how to run programs on them. */
export interface Backend<A> {
  readonly name: string;
  /** Where convolution kernels have their output channels: "last" (tfjs, default) or "first" (ONNX). */
  readonly outputAxis?: "first" | "last";
  compile(program: Program): Kernel<A>;
  /**
   * Matrix products, none of which reads what another of them writes. Returns the arrays that hold the
   * results, in order: `out`, or a new one (the caller then disposes `out`). Optional: a chain with a
   * basis needs it, see `productsOf()`.
   *
   * @throws {TypeError} If an array does not have the size that the call says.
   */
  multiply?(calls: readonly ProductCall<A>[]): readonly A[];
  /** The memory that its arrays lie in, if they are those of `wasmBackend()`: a basis brings their products. */
  readonly heap?: WasmHeap;
  /** A new array of that shape. */
  allocate(shape: readonly number[], fill: number): A;
  /** A new array with these values. */
  write(values: Float32Array, shape: readonly number[]): A;
  /**
   * Copies, bit by bit. Returns the arrays that hold them, in order: `into`, or a new one (the caller
   * then disposes `into`).
   */
  copy(calls: readonly CopyCall<A>[]): readonly A[];
  /** Reads an array as it is at this call, whatever is written into it later. */
  read(array: A): Float32Array | LateRead;
  dispose(array: A): void;
}

/** Rows and columns of a tensor: a row is what shares every index but the last. */
export function layout(shape: readonly number[]): { rows: number; columns: number } {
  const columns = shape.length === 0 ? 1 : shape[shape.length - 1]!;
  const size = shape.reduce((a, b) => a * b, 1);
  return { rows: columns === 0 ? 0 : size / columns, columns };
}

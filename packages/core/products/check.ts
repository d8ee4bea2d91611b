/** @module */
import type { ProductCall } from "../driver/backend.ts";

/** What a product reads and writes, as shapes. */
export function productShapes(
  { rows, inner, columns, transposeA, transposeB }: Omit<ProductCall<unknown>, "a" | "b" | "out">,
): { readonly a: [number, number]; readonly b: [number, number]; readonly out: [number, number] } {
  return {
    a: transposeA ? [inner, rows] : [rows, inner],
    b: transposeB ? [columns, inner] : [inner, columns],
    out: [rows, columns],
  };
}

/**
 * Refuses a product whose arrays have other sizes than the call says, or whose result would overwrite
 * what is still read.
 *
 * @throws {TypeError} Naming the array, its size and the expected shape.
 */
export function checkProduct<A>(call: ProductCall<A>, sizeOf: (array: A) => number): void {
  const shapes = productShapes(call);
  for (const name of ["a", "b", "out"] as const) {
    const [down, across] = shapes[name];
    const size = sizeOf(call[name]);
    if (size !== down * across) {
      throw new TypeError(
        `Cannot multiply: ${name} has ${size} elements, expected shape [${down},${across}]`,
      );
    }
  }
  if (call.out === call.a || call.out === call.b) {
    throw new TypeError(
      `Cannot multiply: out is ${call.out === call.a ? "a" : "b"}, expected another array`,
    );
  }
}

/**
 * The parameters as one vector.
 *
 * @module
 */
import type { Host } from "../hosts/host.ts";
import type { Fixed, Parameter } from "../engine/parameters.ts";

/** All parameters as one vector: trained ones first, then frozen ones. */
export interface FlatParameters {
  /** Elements. */
  size(trainableOnly: boolean): number;
  read(trainableOnly: boolean): Promise<Float32Array>;
  /** @throws {TypeError} For a buffer of another length; nothing has changed then. */
  write(buffer: Uint8Array, trainableOnly: boolean): void;
}

/** A vector over the arrays of a host. */
export function flatParameters<A>(
  host: Host<A>,
  trained: readonly Parameter<A>[],
  frozen: readonly Fixed<A>[],
): FlatParameters {
  const parts = (trainableOnly: boolean) => [
    ...trained.map((p) => ({ size: p.size, array: p.weights })),
    ...(trainableOnly ? [] : frozen.map(({ dims, current }) => ({
      size: dims.reduce((a, b) => a * b, 1),
      array: current,
    }))),
  ];
  const sizeOf = (list: readonly { size: number }[]) => list.reduce((sum, p) => sum + p.size, 0);
  return {
    size: (trainableOnly) => sizeOf(parts(trainableOnly)),
    async read(trainableOnly) {
      const list = parts(trainableOnly);
      const values = new Float32Array(sizeOf(list));
      let at = 0;
      for (const { size, array } of list) {
        values.set(await host.backend.read(array), at);
        at += size;
      }
      return values;
    },
    write(buffer, trainableOnly) {
      const list = parts(trainableOnly);
      const size = sizeOf(list);
      if (buffer.byteLength !== size * 4) {
        throw new TypeError(
          `Cannot load the parameters: expected ${size * 4} bytes, given are ${buffer.byteLength}`,
        );
      }
      const values = new Float32Array(buffer.slice().buffer);
      let at = 0;
      for (const part of list) {
        host.write(part.array, values.subarray(at, at + part.size));
        at += part.size;
      }
    },
  };
}

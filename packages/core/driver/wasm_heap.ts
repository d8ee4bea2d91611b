/** @module */

/** Blocks of a WebAssembly memory that grows on demand. */
export interface WasmHeap {
  readonly memory: WebAssembly.Memory;
  /** The address of a block of at least `bytes` bytes, aligned to 16. */
  allocate(bytes: number): number;
  free(address: number): void;
  /** A view of `length` floats; it dies with the next `allocate`, which may grow the memory. */
  floats(address: number, length: number): Float32Array;
  /** Bytes in use, for tests of leaks. */
  readonly used: number;
}

const page = 65536;

/** A heap with one free list for each power of two. */
export function wasmHeap(
  memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1 }),
): WasmHeap {
  const free = new Map<number, number[]>();
  const sizes = new Map<number, number>();
  let top = 16; // address 0 is never handed out
  let used = 0;
  return {
    memory,
    allocate(bytes) {
      // Large blocks are rarely of equal size: a power of two would waste half. The odd 320 bytes
      // keep arrays of one size from the same offset within a 4 KiB page, where a store to one
      // delays loads from the others.
      const size = bytes > page
        ? Math.ceil(bytes / 64) * 64 + 320
        : Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
      let address = free.get(size)?.pop();
      if (address === undefined) {
        address = top;
        const missing = top + size - memory.buffer.byteLength;
        if (missing > 0) {
          try {
            memory.grow(Math.ceil(missing / page));
          } catch (cause) {
            throw new RangeError(
              `Cannot allocate ${size} bytes: the WebAssembly memory of ${memory.buffer.byteLength} bytes does not grow`,
              { cause },
            );
          }
        }
        top += size;
      }
      sizes.set(address, size);
      used += size;
      return address;
    },
    free(address) {
      const size = sizes.get(address);
      if (size === undefined) return;
      sizes.delete(address);
      used -= size;
      const list = free.get(size);
      if (list) list.push(address);
      else free.set(size, [address]);
    },
    floats: (address, length) => new Float32Array(memory.buffer, address, length),
    get used() {
      return used;
    },
  };
}

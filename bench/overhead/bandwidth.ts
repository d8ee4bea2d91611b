/** @module */

/** (module (memory 1) (func (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))) */
const copier = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0], // type
  ...[3, 2, 1, 0], // function
  ...[5, 3, 1, 0, 1], // memory
  ...[7, 17, 2, 4, 0x63, 0x6f, 0x70, 0x79, 0, 0, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0], // exports
  ...[10, 14, 1, 12, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 10, 0, 0, 0x0b],
);

/** Milliseconds that a call takes: the shortest of `samples` of at least `milliseconds` each. */
export function time(call: () => void, samples = 7, milliseconds = 10): number {
  const repeat = (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) call();
    return performance.now() - start;
  };
  let count = 1;
  let took = repeat(1);
  while (took < milliseconds) {
    count = Math.ceil(count * Math.max(2, milliseconds / Math.max(took, 1e-3)));
    took = repeat(count);
  }
  return Math.min(...Array.from({ length: samples }, () => repeat(count) / count));
}

/**
 * Bytes per second that a plain copy moves at its best, read and written counted both, when source and target
 * together have the size of the optimizer's arrays: what fits into a cache is copied from there.
 */
export function copyBandwidth(kind: "wasm" | "javascript", footprint: number): number {
  const bytes = Math.ceil(footprint / 2 / 65536) * 65536;
  let call: () => void;
  if (kind === "wasm") {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(copier));
    const { copy, memory } = exports as {
      copy(to: number, from: number, bytes: number): void;
      memory: WebAssembly.Memory;
    };
    memory.grow(2 * bytes / 65536);
    new Uint8Array(memory.buffer).fill(1);
    // Not a multiple of 4096 apart: loads would wait for stores that only look like theirs.
    call = () => copy(bytes + 1088, 0, bytes);
  } else {
    const from = new Float32Array(bytes / 4).fill(1);
    const to = new Float32Array(bytes / 4).fill(2);
    call = () => to.set(from);
  }
  call();
  return 2 * bytes / (time(call) / 1e3);
}

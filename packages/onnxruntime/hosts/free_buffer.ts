/** @module */

/** Smaller buffers are left to the garbage collector: freeing one takes two microseconds. */
const worthwhile = 16384;

interface Transferable {
  /** ECMAScript 2024. */
  transfer?(length: number): ArrayBuffer;
}

/** A port that nothing arrives at, made when it is first needed. */
let nowhere: MessagePort | undefined;

/**
 * Frees the memory of an array buffer that nobody reads any more, without waiting for the garbage
 * collector: an engine collects all its garbage whenever so many megabytes of buffers were made, and
 * its threads then take the cores from those of ONNX Runtime.
 *
 * Memory that belongs to something else, as a WebAssembly memory's, stays.
 */
export function freeBuffer(buffer: ArrayBufferLike & Transferable): void {
  if (buffer.byteLength < worthwhile) return;
  try {
    if (typeof buffer.transfer === "function") buffer.transfer(0);
    else closedPort().postMessage(null, [buffer as ArrayBuffer]);
  } catch {
    // It cannot be detached: whoever holds it frees it.
  }
}

/** Node.js before 21 has no transfer(). */
function closedPort(): MessagePort {
  if (nowhere === undefined) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    port1.close();
    nowhere = port1;
  }
  return nowhere;
}

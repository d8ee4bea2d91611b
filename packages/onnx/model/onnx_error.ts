/** @module */

/** Where in a file or graph a problem is. */
export interface OnnxErrorPlace {
  /** Byte of the file at which it was found. */
  readonly offset?: number;
  /** Name of the node (or, for a nameless one, of its first output). */
  readonly node?: string;
  readonly cause?: unknown;
}

/**
 * What this package throws for a file or graph that it cannot take; the message says what was
 * attempted, on which tensor or node, expected and actual.
 *
 * @example
 * ```ts
 * import { OnnxError, readModel } from "@precond/onnx";
 * import assert from "node:assert/strict";
 *
 * assert.throws(() => readModel(new Uint8Array([0xff])), OnnxError);
 * ```
 */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
  readonly offset: number | undefined;
  readonly node: string | undefined;

  constructor(message: string, place: OnnxErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.offset = place.offset;
    this.node = place.node;
  }
}

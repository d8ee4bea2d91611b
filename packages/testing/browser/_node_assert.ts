/**
 * What pages get for `node:assert`.
 *
 * @module
 */

/** Node's error of the same name. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
  constructor({ message }: { message: string }) {
    super(message);
  }
}

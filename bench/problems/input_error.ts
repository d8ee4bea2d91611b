/** @module */

/** Something is wrong with what the user brought; the message is for people. */
export class InputError extends TypeError {
  override readonly name = "InputError";
}

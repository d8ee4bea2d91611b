/** @module */

/** Something is wrong with what the user brought; the message is for people. */
export class InputError extends TypeError {
  override readonly name = "InputError";
}

/**
 * What a file of the user's holds, as it is being read.
 *
 * @throws {InputError} If it cannot be read.
 */
export async function contentOf<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new InputError(`Cannot read "${path}": ${reason}`);
  }
}

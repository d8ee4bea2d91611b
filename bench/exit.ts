/** @module */

/** Ends the program: a message for people, and a code. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a program to its exit code: 0 unless it says another, that of an {@linkcode Exit} after its message. */
export async function exitCode(program: () => Promise<number | void>): Promise<number> {
  try {
    return await program() ?? 0;
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    if (error.message !== "") console.error(error.message);
    return error.code;
  }
}

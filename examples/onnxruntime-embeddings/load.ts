/**
 * Files and addresses.
 *
 * @module
 */
import { readFile } from "node:fs/promises";

/**
 * The bytes of a file or of what an address answers.
 *
 * @throws {Error} For what is not there.
 */
export async function load(what: string, place: string): Promise<Uint8Array> {
  if (/^https?:\/\//i.test(place)) {
    const response = await fetch(place);
    if (!response.ok) {
      throw new Error(`Cannot fetch the ${what}: ${place} answered ${response.status}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  }
  try {
    return new Uint8Array(await readFile(place));
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ENOENT") throw cause;
    throw new Error(`Cannot read the ${what}: there is no file "${place}"`, { cause });
  }
}

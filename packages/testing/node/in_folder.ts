/** @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a test with a new folder, which is gone afterwards, with all that it holds then. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "precond-"));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

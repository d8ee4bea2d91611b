/** @module */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../browser/bundle.ts";

/** Milliseconds that a program may take; they only stop a hang. */
const limit = 1_080_000;

/**
 * Runs a module in the Node.js of the PATH, with `env` besides this process's own, and resolves to
 * what it printed. Imports resolve as in the module's directory, those of public packages to what is
 * built.
 *
 * @throws {Error} With all that it printed, if its exit code is not 0 or it has not ended in time.
 */
export async function runInNode(
  entry: URL,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const code = await bundle(entry, "node");
  const path = fileURLToPath(entry);
  const cwd = dirname(path);
  // A file beside the module: of a program from stdin no worker can be started.
  const file = await Deno.makeTempFile({ dir: cwd, prefix: ".", suffix: ".mjs" });
  const signal = AbortSignal.timeout(limit);
  const output = async () => {
    try {
      await Deno.writeTextFile(file, code);
      return await new Deno.Command("node", { args: [file], cwd, env: { ...env }, signal })
        .output();
    } finally {
      await Deno.remove(file);
    }
  };
  const { code: exit, stdout, stderr } = await output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (exit !== 0) {
    const why = signal.aborted
      ? `it has not ended within ${limit / 1000} s`
      : `exit code is ${exit}`;
    throw new Error(`Cannot run ${path} in Node.js: ${why}\n${out}${errors}`);
  }
  return out!;
}

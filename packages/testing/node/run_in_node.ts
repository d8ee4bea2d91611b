/** @module */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../browser/bundle.ts";

/**
 * Runs a module in the Node.js of the PATH, with `env` besides this process's own, and resolves to
 * what it printed. Imports resolve as in the module's directory, those of public packages to what is
 * built.
 *
 * @throws {Error} With all that it printed, if its exit code is not 0.
 */
export async function runInNode(
  entry: URL,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const code = await bundle(entry, "node");
  const path = fileURLToPath(entry);
  const child = new Deno.Command("node", {
    args: ["--input-type=module", "-"],
    cwd: dirname(path),
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  await new Blob([code]).stream().pipeTo(child.stdin);
  const { code: exit, stdout, stderr } = await ended;
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (exit !== 0) {
    throw new Error(`Cannot run ${path} in Node.js: exit code is ${exit}\n${out}${errors}`);
  }
  return out!;
}

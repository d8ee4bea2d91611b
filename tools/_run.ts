import { dirname, join } from "node:path";

/** The repository's root. */
export const root: string = dirname(import.meta.dirname!);

/** Where and with what a command runs. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Runs a command on this process's own stdio and resolves to its exit code. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  const child = new Deno.Command(command, { args: [...args], cwd: root, ...options }).spawn();
  return (await child.status).code;
}

/** Runs a command silently and resolves to its stdout; throws everything it printed if it fails. */
export async function capture(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const result = await new Deno.Command(command, { args: [...args], cwd: root, ...options })
    .output();
  const [stdout, stderr] = [result.stdout, result.stderr].map((b) => new TextDecoder().decode(b));
  if (!result.success) {
    const line = [command, ...args].join(" ");
    throw new Error(`Cannot run "${line}": exit code is ${result.code}\n${stdout}\n${stderr}`);
  }
  return stdout!;
}

/** A program of Node.js or npm: Windows starts those through .cmd files. */
export function npmProgram(name: string): string {
  return Deno.build.os === "windows" ? `${name}.cmd` : name;
}

/** A program that an npm package installed. */
export function bin(name: string): string {
  return join(root, "node_modules", ".bin", npmProgram(name));
}

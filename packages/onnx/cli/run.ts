/** @module */
import process from "node:process";
import { Command, CommanderError } from "commander";
import { OnnxError } from "../model/onnx_error.ts";
import { addArtifacts } from "./artifacts.ts";
import { addExport } from "./export.ts";
import { addGradient } from "./gradient.ts";
import { addInspect } from "./inspect.ts";
import { refuseRepeated } from "./repeated.ts";
import { packageVersion } from "./version.ts";

const EXAMPLES = `
Examples:
  precond-onnx inspect model.onnx
  precond-onnx gradient model.onnx -o gradient.onnx --loss crossEntropy
  precond-onnx artifacts model.onnx -o training --loss mse --optimizer adamw
  precond-onnx export training --checkpoint training/checkpoint -o trained.onnx

Exit codes: 0 done, 1 refused (the reason is on stderr), 2 wrong usage.`;

/** Codes of the operating system's errors in words; for others its own message serves. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  ENOSPC: "no space is left",
};

/** Runs a command line; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const program = new Command("precond-onnx")
    .description("Differentiates ONNX models; reads and writes ONNX Runtime training artifacts.")
    .version(packageVersion(), "--version", "shows the version of this package")
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError("(--help says what there is)");
  addInspect(program);
  addGradient(program);
  addArtifacts(program);
  addExport(program);
  refuseRepeated(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    process.stderr.write(`${refusal}\n`);
    return 1;
  }
}

/** What to tell the user; undefined for a fault of ours, whose stack is wanted. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof OnnxError) {
    const { offset, message } = error;
    return offset === undefined || / \(byte \d/.test(message)
      ? message
      : `${message} (byte ${offset})`;
  }
  const { code, path, message } = error as NodeJS.ErrnoException;
  const refused = error instanceof TypeError || error instanceof RangeError;
  if (refused && message.startsWith("Cannot ")) return message;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  return path === undefined ? message : `Cannot open "${path}": ${REASONS[code] ?? message}`;
}

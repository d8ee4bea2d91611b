/** @module */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { type Command, Option } from "commander";
import { generateArtifacts } from "../artifacts/generate_artifacts.ts";
import { writeFileAtomically } from "../node/write_file_atomically.ts";
import { readModelFile, sizeText } from "./files.ts";
import { refuseOverwriting } from "./overwriting.ts";
import { folderToWrite } from "./paths.ts";
import { addLossOptions, type LossOptions, names, targetOf } from "./options.ts";

interface Options extends LossOptions {
  readonly out: string;
  readonly optimizer: "adamw" | "sgd";
  readonly frozen?: string[];
  readonly extraOutputs?: string[];
}

const EXAMPLES = `
Writes training_model.onnx, eval_model.onnx, optimizer_model.onnx and checkpoint, as ONNX Runtime's
generator does; its training builds (1.17 to 1.19.2 in JavaScript) train with them.

Examples:
  precond-onnx artifacts model.onnx -o training --loss crossEntropy
  precond-onnx artifacts model.onnx -o training --loss mse --optimizer sgd --extra-outputs logits`;

const FILES = ["training_model.onnx", "eval_model.onnx", "optimizer_model.onnx", "checkpoint"];

/** Adds `artifacts` to the program. */
export function addArtifacts(program: Command): void {
  const command = program.command("artifacts")
    .description("Writes ONNX Runtime's four training artifacts into a folder.")
    .argument("<model>", "the .onnx file")
    .requiredOption(
      "-o, --out <folder>",
      "the folder, made if it is not there (required)",
      folderToWrite,
    );
  addLossOptions(command)
    .addOption(
      new Option("--optimizer <name>", "the optimizer").choices(["adamw", "sgd"]).default("adamw"),
    )
    .addOption(
      new Option(
        "--frozen <names>",
        "parameters for the checkpoint that are not trained (default: none)",
      )
        .argParser(names),
    )
    .addOption(
      new Option("--extra-outputs <names>", "outputs besides the loss (default: none)").argParser(
        names,
      ),
    )
    .addHelpText("after", EXAMPLES)
    .action((model: string, options: Options) => artifacts(command, model, options));
}

async function artifacts(command: Command, path: string, options: Options): Promise<void> {
  const { out, optimizer, frozen, extraOutputs } = options;
  const target = targetOf(command, options);
  const read = readModelFile(path);
  refuseOverwriting(FILES.map((name) => join(out, name)), read.files);
  const files = generateArtifacts(read.model, {
    ...target,
    optimizer,
    ...(frozen === undefined ? {} : { frozen }),
    ...(extraOutputs === undefined ? {} : { extraOutputs }),
  });
  await mkdir(out, { recursive: true });
  const contents = [files.training, files.eval, files.optimizer, files.checkpoint];
  for (const [k, bytes] of contents.entries()) {
    const file = join(out, FILES[k]!);
    await writeFileAtomically(file, bytes);
    process.stdout.write(`${file}: ${sizeText(bytes.length)}\n`);
  }
}

/** @module */
import { join } from "node:path";
import process from "node:process";
import { type Command, Option } from "commander";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { readCheckpointFile } from "../node/checkpoint_file.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { artifactsIn, checkpointIn, isFolder, readModelFile, writeModelFile } from "./files.ts";
import { names } from "./options.ts";
import { refuseOverwriting } from "./overwriting.ts";
import { fileToWrite } from "./paths.ts";

interface Options {
  readonly out: string;
  readonly checkpoint?: string;
  readonly outputs?: readonly string[];
}

const EXAMPLES = `
Of a folder of artifacts, eval_model.onnx is taken; its outputs besides the loss are exported if
--outputs names none.

Examples:
  precond-onnx export model.onnx --checkpoint training/checkpoint -o trained.onnx
  precond-onnx export training --outputs logits -o trained.onnx`;

/** Adds `export` to the program. */
export function addExport(program: Command): void {
  const command = program.command("export")
    .description("Writes an inference model with the parameters of a checkpoint.")
    .argument("<model>", "the .onnx file that was trained, or the folder of its training artifacts")
    .requiredOption("-o, --out <file>", "the file to write (required)", fileToWrite)
    .option("--checkpoint <file>", "the checkpoint (default: that of the folder)")
    .addOption(
      new Option(
        "--outputs <names>",
        "values to be outputs, separated by commas; repeatable (default: those of the model)",
      )
        .argParser(names),
    )
    .addHelpText("after", EXAMPLES);
  command.action((path: string, options: Options) => exportModel(command, path, options));
}

async function exportModel(command: Command, path: string, options: Options): Promise<void> {
  const inFolder = isFolder(path);
  const checkpoint = options.checkpoint ?? (inFolder ? checkpointIn(path) : undefined);
  if (checkpoint === undefined) {
    return command.error("error: give --checkpoint, or a folder that has one", { exitCode: 2 });
  }
  const { model, external, files } = readModelFile(
    inFolder ? join(path, "eval_model.onnx") : path,
  );
  const inputs = [...files, checkpoint, ...(inFolder ? artifactsIn(path) : [])];
  refuseOverwriting([options.out], inputs);
  const { parameters, frozen } = await readCheckpointFile(checkpoint);
  const outputs = options.outputs ?? (inFolder ? predictionsOf(model, path) : undefined);
  const exported = exportInferenceModel(
    model,
    [...parameters, ...frozen],
    outputs === undefined ? {} : { outputs },
  );
  await writeModelFile(options.out, exported, { external, inputs });
  const { input, output, initializer } = exported.graph!;
  const list = (values: readonly { readonly name: string }[]) =>
    values.map(({ name }) => name).join(", ");
  process.stdout.write(
    `${options.out}: ${initializer.length} parameters and constants\n` +
      `inputs: ${list(input)}\noutputs: ${list(output)}\n`,
  );
}

/** What an evaluation model gives besides its loss, which comes first. */
function predictionsOf({ graph }: ModelProto, path: string): string[] {
  const [loss, ...others] = graph!.output.map((o) => o.name);
  if (others.length > 0) return others;
  const guess = graph!.node.find((node) => node.output.includes(loss!))?.input[0];
  throw new OnnxError(
    `Cannot export from "${path}": its evaluation model has no output besides the loss "${loss}"; ` +
      `give the prediction's name by --outputs${
        guess === undefined ? "" : ` (the loss is computed from "${guess}")`
      }`,
  );
}

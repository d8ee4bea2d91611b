/** @module */
import process from "node:process";
import { type Command, Option } from "commander";
import { differentiate } from "../differentiate/differentiate.ts";
import type { Differentiated, DifferentiateOptions } from "../differentiate/growth.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import { perExampleSquares } from "../differentiate/per_example_squares.ts";
import { trainingGraph } from "../differentiate/training_graph.ts";
import { legalize } from "../legalize/legalize.ts";
import type { Target } from "../legalize/target.ts";
import { dataTypeName } from "../model/data_type.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { isFolder, readModelOrArtifacts, writeModelFile } from "./files.ts";
import { refuseOverwriting } from "./overwriting.ts";
import { fileToWrite } from "./paths.ts";
import { addLossOptions, addSizes, type LossOptions, targetOf } from "./options.ts";

const KINDS = ["gradient", "hessian", "gauss-newton", "fisher", "squares"] as const;

interface Options extends LossOptions {
  readonly out: string;
  readonly kind: typeof KINDS[number];
  readonly target?: Target;
  readonly size?: Readonly<Record<string, number>>;
  readonly parameters: "inputs" | "constants";
}

const EXAMPLES = `
Kinds:
  gradient      <p>_grad of every parameter
  hessian       also <p>_hvp = Hv, with v from the inputs <p>_vector
  gauss-newton  also <p>_curvature, a sample of the Gauss-Newton diagonal
  fisher        also <p>_curvature, a sample of the Fisher diagonal
  squares       also <p>_squares, the mean squared gradient of the single examples

Of a folder of training artifacts the forward pass is differentiated by the artifacts' own loss.

Examples:
  precond-onnx gradient model.onnx -o gradient.onnx --loss crossEntropy
  precond-onnx gradient model.onnx -o head.onnx --loss mse --trainable "/^head\\./"
  precond-onnx gradient model.onnx -o webgl.onnx --loss mse --target webgl --size N=64
  precond-onnx gradient training -o gradient.onnx --target webgpu`;

/** Adds `gradient` to the program. */
export function addGradient(program: Command): void {
  const command = program.command("gradient")
    .description(
      "Writes a model that computes a loss and its gradient, by standard operators only.",
    )
    .argument("<model>", "the .onnx file, or the folder of training artifacts")
    .requiredOption("-o, --out <file>", "the file to write (required)", fileToWrite);
  addSizes(addLossOptions(command))
    .addOption(new Option("--kind <kind>", "what is computed").choices(KINDS).default("gradient"))
    .addOption(
      new Option(
        "--target <provider>",
        "write it for what this execution provider runs (default: for all, not rewritten)",
      )
        .choices(["cpu", "webgpu", "webgl"]),
    )
    .addOption(
      new Option("--parameters <how>", "whether parameters are fed, or stay as they are")
        .choices(["inputs", "constants"]).default("inputs"),
    )
    .addHelpText("after", EXAMPLES)
    .action((model: string, options: Options) => gradient(command, model, options));
}

async function gradient(command: Command, path: string, options: Options): Promise<void> {
  const { out, kind, size, parameters } = options;
  const target = targetOf(command, options, { required: !isFolder(path) });
  const { model, external, files, training } = readModelOrArtifacts(path);
  refuseOverwriting([out], files);
  if (training !== undefined && target.loss !== undefined && options.prediction === undefined) {
    command.error(
      `error: "${path}" has its own loss; name what another one compares by --prediction`,
      { exitCode: 2 },
    );
  }
  const own = training === undefined ? {} : {
    trainable: training.trainable,
    ...(target.loss === undefined ? { output: training.loss } : {}),
  };
  const request = { ...own, ...target, parameters };
  const grown = grow(model, kind, request);
  // Sizes alone are worth a pass: shapes become constants.
  const provider = options.target ?? (size === undefined ? undefined : "cpu");
  const legal = provider === undefined
    ? undefined
    : legalize(grown.model, provider, size === undefined ? {} : { sizes: size });
  const written = legal?.model ?? grown.model;
  await writeModelFile(out, written, { external, inputs: files });
  const lines = [
    `${out}: ${written.graph!.node.length} nodes, loss "${grown.loss}", ` +
    `${grown.parameters.length} trained parameters`,
    `inputs: ${written.graph!.input.map((i) => i.name).join(", ")}`,
    `outputs: ${written.graph!.output.map((o) => o.name).join(", ")}`,
    ...[...legal?.inputs ?? []].map(([name, { from, to }]) =>
      `input "${name}" is to be fed as ${dataTypeName(to)} instead of ${dataTypeName(from)}`
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function grow(
  model: ModelProto,
  kind: Options["kind"],
  request: DifferentiateOptions,
): Differentiated {
  switch (kind) {
    case "gradient":
      return differentiate(model, request);
    case "hessian":
      return hessianVectorProduct(model, request);
    case "gauss-newton":
      // Unlike gaussNewtonSample() it knows a loss that is part of the graph by its form.
      return trainingGraph(model, { ...request, curvature: "gaussNewton" });
    case "fisher":
      return trainingGraph(model, { ...request, curvature: "fisher" });
    case "squares":
      return perExampleSquares(model, request);
  }
}

/** @module */
import process from "node:process";
import { type Command, Option } from "commander";
import { differentiate } from "../differentiate/differentiate.ts";
import { gaussNewtonSample } from "../differentiate/gauss_newton_sample.ts";
import type { Differentiated, DifferentiateOptions } from "../differentiate/growth.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import { perExampleSquares } from "../differentiate/per_example_squares.ts";
import { legalize } from "../legalize/legalize.ts";
import type { Target } from "../legalize/target.ts";
import { dataTypeName } from "../model/data_type.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { readModelFile, writeModelFile } from "./files.ts";
import { addLossOptions, addSizes, type LossOptions, targetOf } from "./options.ts";

const KINDS = ["gradient", "hessian", "gauss-newton", "squares"] as const;

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
  squares       also <p>_squares, the mean squared gradient of the single examples

Examples:
  precond-onnx gradient model.onnx -o gradient.onnx --loss crossEntropy
  precond-onnx gradient model.onnx -o head.onnx --loss mse --trainable "/^head\\./"
  precond-onnx gradient model.onnx -o webgl.onnx --loss mse --target webgl --size N=64`;

/** Adds `gradient` to the program. */
export function addGradient(program: Command): void {
  const command = program.command("gradient")
    .description(
      "Writes a model that computes a loss and its gradient, by standard operators only.",
    )
    .argument("<model>", "the .onnx file")
    .requiredOption("-o, --out <file>", "the file to write");
  addSizes(addLossOptions(command))
    .addOption(new Option("--kind <kind>", "what is computed").choices(KINDS).default("gradient"))
    .addOption(
      new Option("--target <provider>", "write it for what this execution provider runs")
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
  const request = { ...targetOf(command, options), parameters };
  const { loss } = request;
  if (kind === "gauss-newton" && loss === undefined) {
    command.error("error: --kind gauss-newton needs --loss", { exitCode: 2 });
  }
  const { model, external } = readModelFile(path);
  const grown = grow(model, kind, request);
  // Sizes alone are worth a pass: shapes become constants.
  const target = options.target ?? (size === undefined ? undefined : "cpu");
  const legal = target === undefined
    ? undefined
    : legalize(grown.model, target, size === undefined ? {} : { sizes: size });
  const written = legal?.model ?? grown.model;
  await writeModelFile(out, written, external);
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
  { loss, output, ...options }: DifferentiateOptions,
): Differentiated {
  const request = {
    ...options,
    ...(loss === undefined ? {} : { loss }),
    ...(output === undefined ? {} : { output }),
  };
  switch (kind) {
    case "gradient":
      return differentiate(model, request);
    case "hessian":
      return hessianVectorProduct(model, request);
    case "gauss-newton":
      return gaussNewtonSample(model, { ...options, loss: loss! });
    case "squares":
      return perExampleSquares(model, request);
  }
}

/** @module */
import Table from "cli-table3";
import { type Command } from "commander";
import process from "node:process";
import { readModelOrArtifacts, sizeText } from "./files.ts";
import { type Inspection, inspectModel, type ValueReport } from "./inspection.ts";
import { addSizes } from "./options.ts";

interface Options {
  readonly json?: boolean;
  readonly size?: Readonly<Record<string, number>>;
}

const EXAMPLES = `
Examples:
  precond-onnx inspect model.onnx
  precond-onnx inspect model.onnx --json | jq .missing
  precond-onnx inspect model.onnx --size N=64   a size for WebGL, otherwise 1`;

/** Adds `inspect` to the program. */
export function addInspect(program: Command): void {
  const command = program.command("inspect")
    .description("Shows what a model takes, holds and does, what is trainable and what is not.")
    .argument("<model>", "the .onnx file, or the folder of training artifacts")
    .option("--json", "as JSON");
  addSizes(command)
    .addHelpText("after", EXAMPLES)
    .action((path: string, { json, size }: Options) => {
      const { model, bytes, training, missing } = readModelOrArtifacts(path, false);
      const found = inspectModel(model, {
        sizes: size ?? {},
        trainable: training?.trainable,
        missing,
      });
      process.stdout.write(
        json === true
          ? `${JSON.stringify({ file: path, bytes, ...found }, null, 2)}\n`
          : `${draw(path, bytes, found)}\n`,
      );
    });
}

// Colours and borders would be noise in a file or a pipe.
const table = (head: readonly string[]) =>
  new Table({ head: [...head], style: { head: [], border: [], compact: true } });
const shapeText = (shape: ValueReport["shape"]) => shape === null ? "?" : `[${shape.join(", ")}]`;
const mark = (yes: boolean) => yes ? "yes" : "NO";

function draw(path: string, bytes: number, found: Inspection): string {
  const { inputs, outputs, parameters, operators, missing, notes, targets, totals } = found;
  const opsets = Object.entries(found.opsets).map(([domain, version]) => `${domain} ${version}`);
  const values = table(["", "name", "type", "shape"]);
  for (const { name, type, shape } of inputs) values.push(["input", name, type, shapeText(shape)]);
  for (const { name, type, shape } of outputs) {
    values.push(["output", name, type, shapeText(shape)]);
  }
  const tensors = table(["initializer", "type", "shape", "size", "trainable"]);
  for (const { name, type, shape, bytes, trainable, of } of parameters) {
    const holds = of.length === 0 || (of.length === 1 && of[0] === name)
      ? ""
      : `: ${
        of.length > 3 ? `${of.slice(0, 3).join(", ")} and ${of.length - 3} more` : of.join(", ")
      }`;
    tensors.push([
      name,
      type,
      shapeText(shape),
      sizeText(bytes),
      `${trainable ? "yes" : "no"}${holds}`,
    ]);
  }
  const kinds = table(["operator", "nodes", "first order", "webgpu", "webgl"]);
  for (const { operator, count, firstOrder, webgpu, webgl } of operators) {
    kinds.push([operator, count, mark(firstOrder), mark(webgpu), mark(webgl)]);
  }
  return [
    `${path}: ${sizeText(bytes)}, IR ${found.irVersion}, operator sets ${opsets.join(", ")}${
      found.producer === "" ? "" : `, made by ${found.producer}`
    }`,
    values.toString(),
    ...(parameters.length === 0 ? [] : [tensors.toString()]),
    kinds.toString(),
    `${totals.nodes} ${totals.nodes === 1 ? "node" : "nodes"}; ${totals.parameters} parameters (${
      sizeText(totals.parameterBytes)
    }), ` +
    `${totals.trainable} of them trainable (${sizeText(totals.trainableBytes)})`,
    totals.trainable === 0
      ? `Differentiation: the file holds no trainable parameter${
        found.trainingModel ? "; it is the training model of artifacts, give their folder" : ""
      }`
      : missing.length === 0
      ? "Differentiation: every node on a path to a trainable parameter has a rule"
      : `Differentiation: no rule for ${
        missing.map(({ operator, node }) => `${operator} "${node}"`).join(", ")
      }`,
    ...notes,
    ...Object.entries(targets).map(([name, { runs, why }]) =>
      `Forward pass on ${name}: ${runs === true ? "yes" : runs === false ? `NO. ${why}` : why}`
    ),
  ].join("\n");
}

/** @module */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Loss } from "../differentiate/loss.ts";
import type { Trainable } from "../differentiate/trainable.ts";

const LOSSES = ["crossEntropy", "binaryCrossEntropy", "mse", "l1", "huber"] as const;

/** What {@linkcode addLossOptions} adds. */
export interface LossOptions {
  readonly loss?: typeof LOSSES[number];
  readonly output?: string;
  readonly prediction?: string;
  readonly labels?: string;
  readonly reduction?: "mean" | "sum";
  readonly trainable?: Trainable;
  readonly training?: boolean;
}

/** Adds the options that say what is differentiated, by what. */
export function addLossOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--loss <name>", "loss on an output, its labels become an input")
        .choices(LOSSES).conflicts("output"),
    )
    .option("--output <name>", "instead of a loss: a scalar of the graph")
    .addOption(
      new Option("--prediction <name>", "output that the loss compares (default: the first)")
        .conflicts("output"),
    )
    .addOption(
      new Option("--labels <name>", 'name of the labels\' input (default: "labels")')
        .conflicts("output"),
    )
    .addOption(
      new Option("--reduction <how>", "over the examples (default: mean)")
        .choices(["mean", "sum"]).conflicts("output"),
    )
    .addOption(
      new Option(
        "--trainable <names>",
        "parameters, separated by commas, or /a regular expression/ (default: all float ones " +
          "but scalars)",
      ).argParser(trainable),
    )
    .option("--training", "dropout and batch normalization as in training")
    .option("--no-training", "dropout and batch normalization as in inference");
}

/** The part of `differentiate()`'s options that the command line gave. */
export function targetOf(
  command: Command,
  options: LossOptions,
  { required = true }: { readonly required?: boolean } = {},
): { loss?: Loss; output?: string; trainable?: Trainable; training?: boolean } {
  const { loss, output, trainable, prediction, labels, reduction } = options;
  if (required && loss === undefined && output === undefined) {
    command.error("error: give either --loss or --output", { exitCode: 2 });
  }
  const target = {
    ...(prediction === undefined ? {} : { prediction }),
    ...(labels === undefined ? {} : { labels }),
    ...(reduction === undefined ? {} : { reduction }),
  };
  return {
    ...(loss === undefined ? {} : { loss: { type: loss, ...target } }),
    ...(output === undefined ? {} : { output }),
    ...(trainable === undefined ? {} : { trainable }),
    // Commander makes true the default of a --no- option.
    ...(command.getOptionValueSource("training") === "cli" ? { training: options.training! } : {}),
  };
}

/** "a,b" or "/regex/". */
export function trainable(text: string): Trainable {
  if (!/^\/.*\/$/s.test(text) || text.length < 3) return names(text);
  try {
    const pattern = new RegExp(text.slice(1, -1));
    return (name) => pattern.test(name);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** "a,b" */
export function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (list.length === 0) throw new InvalidArgumentError("expected names separated by commas");
  return [...new Set(list)];
}

/** Adds a repeatable `--size N=64`. */
export function addSizes(command: Command): Command {
  return command.addOption(
    new Option("--size <name=number>", "number for a symbolic size, as N=64; repeatable")
      .argParser(size),
  );
}

function size(text: string, previous: Readonly<Record<string, number>> = {}) {
  const [, name, digits] = /^(.+)=(\d{1,15})$/.exec(text) ?? [];
  if (name === undefined) {
    throw new InvalidArgumentError(`expected a name and a whole number, as N=64`);
  }
  return { ...previous, [name]: Number(digits) };
}

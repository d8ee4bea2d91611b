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
  readonly axis?: number;
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
  readonly delta?: number;
  readonly trainable?: Trainable;
  readonly training?: boolean;
}

/** Adds the options that say what is differentiated, by what. */
export function addLossOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--loss <name>",
        "loss on an output, its labels become an input (default: none, give --output)",
      )
        .choices(LOSSES).conflicts("output"),
    )
    .option("--output <name>", "instead of a loss: a scalar of the graph (default: none)")
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
      new Option("--axis <number>", "axis of the classes of crossEntropy (default: 1)")
        .argParser(number(Number.isSafeInteger, "a whole number")).conflicts("output"),
    )
    .addOption(
      new Option(
        "--ignore-index <number>",
        "label that does not count in crossEntropy (default: none)",
      )
        .argParser(number(Number.isSafeInteger, "a whole number")).conflicts("output"),
    )
    .addOption(
      new Option(
        "--label-smoothing <share>",
        "share of a label for all classes of crossEntropy (default: 0)",
      )
        .argParser(number((v) => v >= 0 && v <= 1, "a number from 0 to 1")).conflicts("output"),
    )
    .addOption(
      new Option("--delta <number>", "where huber becomes linear (default: 1)")
        .argParser(number((v) => v > 0, "a positive number")).conflicts("output"),
    )
    .addOption(
      new Option(
        "--trainable <names>",
        "parameters, separated by commas, or /a regular expression/; repeatable (default: all " +
          "float ones but scalars)",
      ).argParser(trainable),
    )
    .option(
      "--training",
      "dropout and batch normalization as in training (default: as the model has them)",
    )
    .option("--no-training", "dropout and batch normalization as in inference");
}

/** The part of `differentiate()`'s options that the command line gave. */
export function targetOf(
  command: Command,
  options: LossOptions,
  { required = true }: { readonly required?: boolean } = {},
): { loss?: Loss; output?: string; trainable?: Trainable; training?: boolean } {
  const { loss, output, trainable, prediction, labels, reduction, ...more } = options;
  if (required && loss === undefined && output === undefined) {
    command.error("error: give either --loss or --output", { exitCode: 2 });
  }
  const further = LOSS_OPTIONS.flatMap(([name, of]) => {
    const value = more[name];
    if (value === undefined) return [];
    if (loss !== of) {
      command.error(`error: --${dashed(name)} is an option of --loss ${of}`, { exitCode: 2 });
    }
    return [[name, value] as const];
  });
  const target = {
    ...Object.fromEntries(further),
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

/** Options of one loss alone. */
const LOSS_OPTIONS = [
  ["axis", "crossEntropy"],
  ["ignoreIndex", "crossEntropy"],
  ["labelSmoothing", "crossEntropy"],
  ["delta", "huber"],
] as const;

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const number = (fits: (value: number) => boolean, what: string) => (text: string) => {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!fits(value)) throw new InvalidArgumentError(`expected ${what}`);
  return value;
};

/** "a,b" or "/regex/"; of several all. */
export function trainable(text: string, previous?: Trainable): Trainable {
  const next = trainableOf(text);
  if (previous === undefined) return next;
  if (typeof previous !== "function" && typeof next !== "function") {
    return [...new Set([...previous, ...next])];
  }
  const test = (choice: Trainable): Exclude<Trainable, readonly string[]> =>
    typeof choice === "function" ? choice : (name) => choice.includes(name);
  const [one, other] = [test(previous), test(next)];
  return (name, tensor) => one(name, tensor) || other(name, tensor);
}

function trainableOf(text: string): Trainable {
  if (!/^\/.*\/$/s.test(text) || text.length < 3) return names(text);
  try {
    const pattern = new RegExp(text.slice(1, -1));
    return (name) => pattern.test(name);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** "a,b"; of several all. */
export function names(text: string, previous: readonly string[] = []): string[] {
  const list = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (list.length === 0) throw new InvalidArgumentError("expected names separated by commas");
  return [...new Set([...previous, ...list])];
}

/** Adds a repeatable `--size N=64`. */
export function addSizes(command: Command): Command {
  return command.addOption(
    new Option(
      "--size <name=number>",
      "number for a symbolic size, as N=64; repeatable (default: none)",
    )
      .argParser(size),
  );
}

function size(text: string, previous: Readonly<Record<string, number>> = {}) {
  const [, name, digits] = /^(.+)=(\d{1,15})$/.exec(text) ?? [];
  if (name === undefined) {
    throw new InvalidArgumentError(`expected a name and a whole number, as N=64`);
  }
  if (Number(digits) === 0) throw new InvalidArgumentError(`${name} must be at least 1`);
  if (Object.hasOwn(previous, name) && previous[name] !== Number(digits)) {
    throw new InvalidArgumentError(`${name} is ${previous[name]} already`);
  }
  return { ...previous, [name]: Number(digits) };
}

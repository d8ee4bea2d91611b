/**
 * What the user brings to the benchmark.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { Exit } from "./exit.ts";
import { csvProblem } from "./problems/csv_problem.ts";
import type { CsvOptions, TableTask } from "./problems/csv_target.ts";
import { contentOf, InputError } from "./problems/input_error.ts";
import type { modelProblem } from "./problems/model_problem.ts";
import type { Problem } from "./problems/problem.ts";

/** What the command line says of the user's own data. */
export interface Yours {
  readonly csv?: CsvOptions;
  /** The file of a module that describes a model. */
  readonly model?: string;
}

/** Names of the problems that these make. */
export const yourNames: readonly string[] = ["csv", "model"];

/** Adds the options. */
export function addYourOptions(program: Command): void {
  program
    .option("--csv <file>", "a table of yours, which becomes the problem csv; with --target")
    .option("--target <column>", "the column of the table to predict")
    .addOption(
      new Option("--task <task>", "what to do with it (default: as its values are)")
        .choices(["regression", "classification"]),
    )
    .option("--model <file>", "a module of yours that describes a model and its data");
}

/**
 * Reads the options.
 *
 * @throws {Exit} With code 2, if some are missing.
 */
export function yoursOf(
  { csv, target, task, model }: {
    csv?: string;
    target?: string;
    task?: TableTask;
    model?: string;
  },
  problems: readonly string[] | undefined,
): Yours {
  const own = model === undefined ? {} : { model };
  if (model === undefined && problems?.includes("model")) {
    throw new Exit(2, 'Problem "model" needs --model <file>');
  }
  if (csv === undefined) {
    if (target !== undefined || task !== undefined) {
      throw new Exit(2, `--${target === undefined ? "task" : "target"} needs --csv <file>`);
    }
    if (problems?.includes("csv")) throw new Exit(2, 'Problem "csv" needs --csv <file>');
    return own;
  }
  if (target === undefined) throw new Exit(2, "--csv needs --target <column>");
  return { ...own, csv: { file: csv, target, ...(task && { task }) } };
}

/**
 * Makes problems of what the user brought.
 *
 * @throws {Exit} With code 2, if it cannot be used.
 */
export async function yourProblems(
  { csv, model }: Yours,
  how: { readonly full: boolean; readonly backends: readonly string[] },
): Promise<Problem[]> {
  try {
    return [
      ...(csv ? [await csvOf(csv, how)] : []),
      ...(model === undefined ? [] : [await modelOf(model, how)]),
    ];
  } catch (error) {
    throw error instanceof InputError ? new Exit(2, error.message) : error;
  }
}

async function csvOf(csv: CsvOptions, { full }: { readonly full: boolean }): Promise<Problem> {
  return csvProblem(await contentOf(csv.file, Deno.readTextFile(csv.file)), csv, full);
}

/** Loaded on demand: it is both hosts. */
const modelOf: typeof modelProblem = async (...given) =>
  (await import("./problems/model_problem.ts")).modelProblem(...given);

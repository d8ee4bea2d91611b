/** @module */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { Exit } from "./exit.ts";
import { methods } from "./methods.ts";
import { allProblems } from "./problems/mod.ts";
import { readText, type Text } from "./problems/text.ts";
import { checkLength } from "./problems/text_problems.ts";
import { allBackends, type Request } from "./suite.ts";
import { addYourOptions, yourNames, type Yours, yoursOf } from "./yours.ts";

/** A request, with where its results go. */
export interface Arguments extends Omit<Request, "yours"> {
  /** What the user brings. */
  readonly yours: Yours;
  readonly json: string;
  readonly html: string;
  readonly resume: boolean;
  /** Runs at once; 1 means in this process. */
  readonly workers: number;
  /** The address of a queue, whose workers run instead. */
  readonly queue?: string;
}

const out = (name: string) => fileURLToPath(new URL(`./out/${name}`, import.meta.url));

/** Parsers of lists, which may be given several times. */
const lists = new WeakSet<object>();

/** Splits "a,b" and refuses names that are not among `valid`; what is given again is added. */
export function names(what: string, valid: () => readonly string[]): (text: string) => string[] {
  let all: string[] = [];
  const parse = (text: string) => {
    const given = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
    const known = valid();
    const unknown = given.filter((name) => !known.includes(name));
    if (unknown.length > 0 || given.length === 0) {
      const which = unknown.length > 0 ? `unknown ${what} "${unknown.join('", "')}"` : `no ${what}`;
      throw new InvalidArgumentError(`${which}; valid: ${known.join(", ")}`);
    }
    return all = [...new Set([...all, ...given])];
  };
  lists.add(parse);
  return parse;
}

/** A whole number from 1 on. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError(`expected a positive integer, current value is ${text}`);
  }
  return value;
}

/** "128" or "64,64": whole numbers from 1 on. */
export function positives(text: string): number[] {
  try {
    return text.split(",").map(positive);
  } catch {
    throw new InvalidArgumentError(
      `expected positive integers such as 128 or 64,64, current value is ${text}`,
    );
  }
}

/** `--samples` of what is timed: few say nothing of their spread. */
export function samplesOption(usual: number): Option {
  return new Option("--samples <count>", "samples a median is of, at least 5").default(usual)
    .argParser((text) => {
      const count = positive(text);
      if (count < 5) {
        throw new InvalidArgumentError(`expected at least 5, current value is ${count}`);
      }
      return count;
    });
}

/** `--workers`, which fill the cores by themselves. */
export function workersOption(): Option {
  return new Option("--workers <count>", "runs at once, in threads; 1 to time them")
    .default(navigator.hardwareConcurrency, "one for each core").argParser(positive);
}

/** A commander that throws {@linkcode Exit} with code 2 for what it cannot accept, 0 for help. */
export function command(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride((error) => {
      const code = error.exitCode === 0 ? 0 : 2;
      throw new Exit(code, code === 0 ? "" : error.message.replace(/^error: /, ""));
    });
}

/** The arguments without the "--" that `deno task bench -- --full` passes on. */
function ownArguments(args: readonly string[]): string[] {
  return args[0] === "--" ? args.slice(1) : [...args];
}

/**
 * Reads the arguments of a command; a value that is given twice is refused, as one of them would be lost.
 *
 * @throws {Exit} For what is not valid.
 */
export function parseArguments(program: Command, args: readonly string[]): void {
  for (const option of program.options) {
    if (!option.required || (option.parseArg && lists.has(option.parseArg))) continue;
    let given = false;
    program.on(`option:${option.name()}`, () => {
      if (given) throw new Exit(2, `option '${option.flags}' is given twice`);
      given = true;
    });
  }
  program.parse(ownArguments(args), { from: "user" });
}

/** The file itself, whatever leads to it. */
function fileAt(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return resolve(path);
  }
}

/** The text of a file, if it is long enough to train on. */
function textIn(path: string): Text {
  try {
    const text = readText(path);
    checkLength(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** Refuses batch sizes at which a problem that is asked for by name has too few steps. */
function checkBatches({ full, problems = [], batchSizes = [] }: Arguments): void {
  for (const problem of allProblems(full).filter(({ name }) => problems.includes(name))) {
    const tooLarge = batchSizes.find((batchSize) =>
      problem.atBatch !== undefined && problem.atBatch(batchSize) === undefined
    );
    if (tooLarge !== undefined) {
      throw new Exit(
        2,
        `Cannot run "${problem.name}" with batches of ${tooLarge}: its ` +
          `${problem.batchSize * problem.steps} examples are too few steps`,
      );
    }
  }
}

const everyProblem = () => [
  ...new Set([...allProblems(false), ...allProblems(true)].map((problem) => problem.name)),
  ...yourNames,
];

/**
 * Reads the command line of `main.ts`.
 *
 * @throws {Exit} For `--help` (code 0) and for anything that is not valid (code 2).
 */
export function parse(args: readonly string[]): Arguments {
  const program = command("bench", "Compares optimizers on problems with and without predictions.")
    .option("--full", "full sizes, grids of 9 rates and 5 seeds instead of the quick suite", false)
    .addOption(
      new Option("--problem <names>", "only these problems, separated by commas")
        .argParser(names("problem", everyProblem)),
    )
    .addOption(
      new Option("--method <names>", "only these methods, separated by commas")
        .argParser(names("method", () => methods.map((method) => method.name))),
    )
    .addOption(
      new Option("--backend <names>", `backends for the networks: ${allBackends.join(", ")}`)
        .default(["wasm"], "wasm")
        .argParser(names("backend", () => allBackends)),
    )
    .addOption(
      new Option("--batch <sizes>", "batch sizes of the networks, as 1,16 (default: their own)")
        .argParser(positives),
    )
    .addOption(
      new Option(
        "--text <file>",
        "a text for gru and transformer (default: the guide of precond)",
      )
        .argParser(textIn),
    )
    .addOption(
      new Option("--seeds <count>", "seeds to report (default: 3, or 5 with --full)")
        .argParser(positive),
    )
    .addOption(workersOption().conflicts("queue"))
    .option("--queue <address>", "runs on the workers of a queue, redis://host:6379")
    .option("--json <file>", "where the rows go", out("results.json"))
    .option("--html <file>", "where the report goes", out("report.html"))
    .option("--resume", "skip rows that the JSON file has already for the same settings", false);
  addYourOptions(program);
  program.addHelpText(
    "after",
    `\nOn many machines: bench worker --queue <address>; see bench worker --help\n\nProblems: ${
      everyProblem().join(", ")
    }\n\nMethods: ${methods.map(({ name }) => name).join(", ")}`,
  );
  parseArguments(program, args);
  const { problem, method, backend, batch, text, seeds, ...rest } = program.opts();
  const request: Arguments = {
    full: rest.full,
    backends: backend,
    seeds: seeds ?? (rest.full ? 5 : 3),
    json: rest.json,
    html: rest.html,
    resume: rest.resume,
    yours: yoursOf(rest, problem),
    workers: rest.workers,
    ...(rest.queue === undefined ? {} : { queue: rest.queue }),
    ...(problem ? { problems: problem } : {}),
    ...(method ? { methods: method } : {}),
    ...(text ? { text } : {}),
    ...(batch ? { batchSizes: [...new Set<number>(batch)] } : {}),
  };
  if (request.full && request.seeds < 5) {
    throw new Exit(
      2,
      `Cannot compare in full: it takes at least 5 seeds to report, current value is ${request.seeds}`,
    );
  }
  if (fileAt(request.json) === fileAt(request.html)) {
    throw new Exit(2, `Cannot write rows and report into one file, "${request.json}"`);
  }
  const missing = problem?.filter((name: string) =>
    !yourNames.includes(name) && !allProblems(rest.full).some((known) => known.name === name)
  );
  if (missing?.length > 0) {
    throw new Exit(2, `Problem "${missing.join('", "')}" is only part of the suite with --full`);
  }
  checkBatches(request);
  return request;
}

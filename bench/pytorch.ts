/**
 * `deno run -A bench/pytorch.ts --python FILE`: training steps beside PyTorch's on the processor, eager
 * with fused AdamW, of the same networks from the same parameters, in processes that take turns.
 *
 * @module
 */
import Table from "cli-table3";
import { Option } from "commander";
import { command, names, parseArguments, positives, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { pytorchCases } from "./pytorch/cases.ts";
import type { Turn } from "./pytorch/process.ts";
import { ourSide, pytorchSide, type Side } from "./pytorch/side.ts";
import { median } from "./statistics.ts";

interface Options {
  readonly python: string;
  readonly model: string[];
  readonly threads: number[];
  readonly samples: number;
  readonly json?: string;
}

/** One network with one number of threads. */
interface Row {
  readonly model: string;
  readonly threads: number;
  /** Milliseconds a step of the processor, all threads. */
  readonly cpu_ms: number;
  readonly pytorch_cpu_ms: number;
  /** Ours / PyTorch's, the median over the turns. */
  readonly cpu_ratio: number;
  readonly wall_ms: number;
  readonly pytorch_wall_ms: number;
  readonly wall_ratio: number;
  /** After as many steps, on both sides. */
  readonly loss: number;
  readonly pytorch_loss: number;
  readonly samples: number;
}

/** So little that no network fits its one batch, whose gradients would become denormal numbers. */
const learningRate = 1e-6;
/** Milliseconds of a turn, and turns that do not count. */
const turn = { milliseconds: 150, untimed: 3 };

const every = pytorchCases.map(({ name }) => name);

function parse(args: readonly string[]): Options {
  const program = command("pytorch", "Times training steps beside PyTorch's on the processor.")
    .option("--python <file>", "a Python with torch and numpy", "python3")
    .addOption(
      new Option("--model <names>", `networks: ${every.join(", ")}`).default(every, "all")
        .argParser(names("model", () => every)),
    )
    .addOption(
      new Option("--threads <counts>", "threads of each side").default([1, 2], "1,2")
        .argParser(positives),
    )
    .addOption(samplesOption(31))
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

/** Turns of as many steps on both sides, one after the other; who begins changes. */
async function inTurns(sides: readonly [Side, Side], samples: number): Promise<[Turn, Turn][]> {
  const turns: [Turn, Turn][] = [];
  let steps = 1;
  for (let k = -turn.untimed; k < samples; k++) {
    const took: Turn[] = [];
    for (const i of k % 2 === 0 ? [0, 1] : [1, 0]) {
      const { cpu_ms, wall_ms, loss } = await sides[i]!.take(steps);
      took[i] = { cpu_ms: cpu_ms / steps, wall_ms: wall_ms / steps, loss };
    }
    const longest = Math.max(...took.map(({ cpu_ms }) => cpu_ms));
    if (k < 0) steps = Math.max(1, Math.round(turn.milliseconds / longest));
    else turns.push(took as [Turn, Turn]);
  }
  return turns;
}

async function measure(name: string, threads: number, options: Options) {
  const given = pytorchCases.find((each) => each.name === name)!;
  const side = { model: name, threads, learningRate };
  const folder = await Deno.makeTempDir();
  const started: Side[] = [];
  try {
    const ours = await ourSide(side);
    started.push(ours);
    const pytorch = await pytorchSide(options.python, side, given, folder);
    started.push(pytorch);
    const turns = await inTurns([ours, pytorch], options.samples);
    const of = (i: 0 | 1, key: keyof Turn) => median(turns.map((pair) => pair[i][key]));
    const ratio = (key: keyof Turn) => median(turns.map(([a, b]) => a[key] / b[key]));
    const [{ loss }, { loss: pytorch_loss }] = turns.at(-1)!;
    const row: Row = {
      ...{ model: name, threads },
      ...{ cpu_ms: of(0, "cpu_ms"), pytorch_cpu_ms: of(1, "cpu_ms"), cpu_ratio: ratio("cpu_ms") },
      ...{ wall_ms: of(0, "wall_ms"), pytorch_wall_ms: of(1, "wall_ms") },
      ...{ wall_ratio: ratio("wall_ms"), loss, pytorch_loss, samples: options.samples },
    };
    return { row, about: { ...ours.about, ...pytorch.about } };
  } finally {
    for (const each of started) each.end();
    await Deno.remove(folder, { recursive: true });
  }
}

async function pytorch(args: readonly string[]): Promise<void> {
  const options = parse(args);
  const rows: Row[] = [];
  const table = new Table({
    head: ["", "threads", "processor ms", "PyTorch", "ratio", "wall ms", "PyTorch", "ratio"],
  });
  for (const threads of options.threads) {
    for (const model of options.model) {
      console.error(model, threads);
      const { row, about: { onnxruntime, pytorch } } = await measure(model, threads, options);
      rows.push(row);
      const { cpu_ms, pytorch_cpu_ms, cpu_ratio, wall_ms, pytorch_wall_ms, wall_ratio } = row;
      const times = [cpu_ms, pytorch_cpu_ms, cpu_ratio, wall_ms, pytorch_wall_ms, wall_ratio];
      table.push([model, threads, ...times.map(number)]);
      const more = { onnxruntime, pytorch };
      await writeRows(options.json, rows, { program: "pytorch", args, more });
    }
  }
  console.log(table.toString());
}

if (import.meta.main) Deno.exit(await exitCode(() => pytorch(Deno.args)));

/**
 * `deno run -A bench/training_memory.ts`: peak memory and processor time of training a transformer, in
 * processes of their own that take turns: as it is done by default, from checkpoints, with all
 * activations kept, and as a baseline in another checkout of this repository.
 *
 * @module
 */
import Table from "cli-table3";
import { InvalidArgumentError, Option } from "commander";
import { fileURLToPath } from "node:url";
import { command, parseArguments, positive } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import type { Contender, Steps } from "./onnxruntime/memory_process.ts";
import { median } from "./statistics.ts";

const entry = fileURLToPath(new URL("./onnxruntime/memory_process.ts", import.meta.url));

interface Options extends Omit<Contender, "recompute"> {
  readonly samples: number;
  readonly bytes: number[];
  readonly baseline?: string;
  readonly json?: string;
}

const counts = (text: string) =>
  text.split(",").map((part) => {
    const bytes = Number(part);
    if (!(bytes > 0)) throw new InvalidArgumentError("Bytes above 0.");
    return bytes;
  });

function parse(args: readonly string[]): Options {
  const program = command(
    "training_memory",
    "Measures peak memory and processor time of training a transformer with AdamW.",
  )
    .addOption(
      new Option("--provider <name>", "of onnxruntime-node or onnxruntime-web").default("cpu")
        .choices(["cpu", "wasm"]),
    )
    .option("--layers <count>", "blocks", positive, 6)
    .option("--width <count>", "width of a block", positive, 512)
    .option("--heads <count>", "heads of attention", positive, 8)
    .option("--length <count>", "tokens of an example", positive, 256)
    .option("--batch <count>", "examples of a step", positive, 8)
    .option("--steps <count>", "steps of a process", positive, 4)
    .option("--samples <count>", "processes of each contender", positive, 3)
    .option("--bytes <counts>", "limits for recompute, each a contender", counts, [130e6])
    .option("--baseline <folder>", "another checkout, whose packages are a contender")
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

async function measure(given: Contender, checkout?: string): Promise<Steps> {
  const config = checkout === undefined ? [] : ["--config", `${checkout}/deno.json`];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...config, entry],
    env: { MEMORY_CONTENDER: JSON.stringify(given) },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure ${JSON.stringify(given)}: see above`);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

interface Row {
  readonly contender: string;
  /** Mebibytes at the highest, of the whole process. */
  readonly peak_mib: number;
  /** Milliseconds of the processor, a step after the first. */
  readonly cpu_ms: number;
  /** Times those of the first contender, in the same turn. */
  readonly cpu_ratio: number;
  readonly loss: number;
  readonly samples: number;
}

async function trainingMemory(args: readonly string[]): Promise<void> {
  const { samples, bytes, baseline, json, ...sizes } = parse(args);
  const keptAt = (limit: number) => ({ bytes: limit, sizes: { N: sizes.batch } });
  const contenders: readonly (readonly [string, Contender, string?])[] = [
    ...(baseline === undefined ? [] : [["baseline", sizes, baseline] as const]),
    ["default", sizes],
    ["all activations kept", { ...sizes, recompute: false }],
    ...bytes.map((limit) =>
      [`${limit / 1e6} MB kept`, { ...sizes, recompute: keptAt(limit) }] as const
    ),
  ];
  const found = contenders.map((): Steps[] => []);
  for (let k = 0; k < samples; k++) {
    for (const [i, [, given, checkout]] of contenders.entries()) {
      found[i]!.push(await measure(given, checkout));
    }
  }
  const times = found.map((runs) => runs.map(({ cpu_ms }) => median(cpu_ms.slice(1))));
  const rows = contenders.map(([contender], i): Row => ({
    contender,
    peak_mib: median(found[i]!.map(({ peak_mib }) => peak_mib)),
    cpu_ms: median(times[i]!),
    cpu_ratio: median(times[i]!.map((ms, k) => ms / times[0]![k]!)),
    loss: found[i]![0]!.loss,
    samples,
  }));
  const table = new Table({ head: ["", "peak MiB", "processor ms a step", "ratio"] });
  for (const row of rows) {
    table.push([row.contender, number(row.peak_mib), number(row.cpu_ms), number(row.cpu_ratio)]);
  }
  console.log(table.toString());
  await writeRows(json, rows, { program: "training_memory", args, more: sizes });
}

if (import.meta.main) Deno.exit(await exitCode(() => trainingMemory(Deno.args)));

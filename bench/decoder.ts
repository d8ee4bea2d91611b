/**
 * `deno run -A bench/decoder.ts`: peak memory and seconds a step of LoRA on a decoder of SmolLM2-135M's
 * shape with random weights in a file of their own, on the processor and on wasm.
 *
 * @module
 */
import Table from "cli-table3";
import { Option } from "commander";
import { fileURLToPath } from "node:url";
import { command, names, parseArguments, positive } from "./cli.ts";
import type { Tuned, Tuning } from "./decoder/process.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { median } from "./statistics.ts";

const providers = ["cpu", "wasm"] as const;
const packings = ["on", "off"] as const;

interface Options extends Omit<Tuning, "folder" | "provider" | "prepacking"> {
  readonly provider: Tuning["provider"][];
  readonly prepacking: (typeof packings)[number][];
  readonly json?: string;
}

function parse(args: readonly string[]): Options {
  const program = command("decoder", "Measures LoRA on a decoder of 135 million parameters.")
    .addOption(
      new Option("--provider <names>", "of onnxruntime-node, of onnxruntime-web")
        .default(providers, "cpu,wasm").argParser(names("provider", () => providers)),
    )
    .addOption(
      new Option("--prepacking <choices>", "whether sessions keep weights packed, too")
        .default(packings, "on,off").argParser(names("choice", () => packings)),
    )
    .option("--length <count>", "tokens of an example", positive, 256)
    .option("--batch <count>", "examples of a step", positive, 1)
    .option("--rank <count>", "of the adapters", positive, 8)
    .option("--steps <count>", "steps of a process", positive, 3)
    .option("--threads <count>", "of a session", positive, 1)
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

/** Runs a file of decoder/ in a process of its own; what it printed. */
async function inProcess(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const file = fileURLToPath(new URL(`./decoder/${name}`, import.meta.url));
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--max-old-space-size=8192", file, ...args],
    env: { ...env },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure the decoder: ${name} failed, see above`);
  return new TextDecoder().decode(stdout).trim();
}

interface Row extends Omit<Tuned, "step_s" | "cpu_s" | "losses"> {
  readonly provider: Tuning["provider"];
  readonly prepacking: boolean;
  /** Of the peak, what is more than the weights. */
  readonly over_weights_mib: number;
  /** Of the steps after the first; seconds on the clock and of the processor. */
  readonly step_s: number;
  readonly cpu_s: number;
  readonly first_loss: number;
  readonly last_loss: number;
}

function rowOf({ provider, prepacking }: Tuning, tuned: Tuned): Row {
  const { step_s, cpu_s, losses, ...rest } = tuned;
  const later = (values: readonly number[]) => median(values.length > 1 ? values.slice(1) : values);
  return {
    provider,
    prepacking,
    ...rest,
    over_weights_mib: rest.peak_mib - rest.weights_mib,
    step_s: later(step_s),
    cpu_s: later(cpu_s),
    first_loss: losses[0]!,
    last_loss: losses.at(-1)!,
  };
}

async function measure(args: readonly string[]): Promise<void> {
  const { provider, prepacking, json, ...sizes } = parse(args);
  const folder = await Deno.makeTempDir();
  const rows: Row[] = [];
  try {
    await inProcess("make.ts", [folder, String(sizes.length)]);
    const contenders = provider.flatMap((each) =>
      prepacking.map((packed) => ({ provider: each, prepacking: packed === "on" }))
    );
    for (const each of contenders) {
      console.error(each);
      const given: Tuning = { ...sizes, folder, ...each };
      const printed = await inProcess("process.ts", [], { DECODER_TUNING: JSON.stringify(given) });
      rows.push(rowOf(given, JSON.parse(printed.split("\n").at(-1)!)));
      await writeRows(json, rows, { program: "decoder", args, more: sizes });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const table = new Table({
    head: [
      "",
      "packed",
      "peak MiB",
      "over the weights",
      "heap MiB",
      "s a step",
      "of the processor",
    ],
  });
  for (const row of rows) {
    const { peak_mib, over_weights_mib, heap_mib, step_s, cpu_s } = row;
    const cells = [peak_mib, over_weights_mib, heap_mib, step_s, cpu_s].map(number);
    table.push([row.provider, row.prepacking ? "yes" : "no", ...cells]);
  }
  console.log(table.toString());
}

if (import.meta.main) Deno.exit(await exitCode(() => measure(Deno.args)));

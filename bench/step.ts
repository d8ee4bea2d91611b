/**
 * `deno run -A bench/step.ts`: how long a whole training step of an MLP takes, with our optimizers
 * and with the host's.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import Table from "cli-table3";
import { Option } from "commander";
import { command, names, parseArguments, positive, positives, samplesOption } from "./cli.ts";
import { Exit, exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { placesOf, requirePlaces } from "./overhead/measurers.ts";
import type { Runtime, Waits } from "./overhead/rows.ts";
import { pixels } from "./problems/digits.ts";
import { measureAt } from "./step/measurers.ts";
import type { StepRow } from "./step/rows.ts";
import { tensorBackends } from "./suite.ts";

interface Options {
  readonly backend: string[];
  readonly runtime: Runtime[];
  readonly hidden: number[];
  readonly batch: number;
  readonly samples: number;
  readonly wait: Waits;
  readonly json?: string;
}

function parse(args: readonly string[]): Options {
  const program = command("step", "Times whole steps of an MLP on digits: loss, gradients, update.")
    .addOption(
      new Option("--backend <names>", `tfjs backends: ${tensorBackends.join(", ")}`)
        .default(tensorBackends, tensorBackends.join())
        .argParser(names("backend", () => tensorBackends)),
    )
    .addOption(
      new Option("--runtime <names>", "where webgpu runs: deno, chromium")
        .default(["deno", "chromium"], "deno,chromium")
        .argParser(names("runtime", () => ["deno", "chromium"])),
    )
    .addOption(
      new Option("--hidden <units>", "hidden layers").default([128], "128").argParser(positives),
    )
    .addOption(
      new Option("--batch <size>", "examples in a batch, at most 1000").default(64)
        .argParser(positive),
    )
    .addOption(samplesOption(7))
    .addOption(
      new Option("--wait <when>", "when a GPU is waited for").choices(["step", "sample"])
        .default("sample"),
    )
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  const options = program.opts<Options>();
  if (options.batch > 1000) throw new Exit(2, "--batch: expected at most 1000");
  return options;
}

/** The rows for people. */
export function stepTable(rows: readonly StepRow[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: ["backend", "in", "ours", "ms", "baseline", "ms", "baseline / ours", "gradients ms"],
  });
  for (const row of rows) {
    table.push([
      row.backend,
      row.runtime,
      row.method,
      number(row.step_ms),
      row.baseline,
      number(row.baseline_ms),
      row.ratio.toFixed(2),
      number(row.gradients_ms),
    ]);
  }
  return table.toString();
}

async function step(args: readonly string[]): Promise<void> {
  const { backend: backends, runtime, hidden, batch, samples, wait, json } = parse(args);
  const places = placesOf(backends, runtime);
  await requirePlaces(places);
  const rows: StepRow[] = [];
  const sizes = [pixels, ...hidden, 10];
  for (const place of places) {
    console.error(`${place.backend} in ${place.runtime}: MLP ${sizes.join("-")}, batch ${batch}`);
    rows.push(...await measureAt(place, { sizes, batchSize: batch, samples, waits: wait }));
    await writeRows(json, rows, { program: "step", args });
  }
  console.log(stepTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => step(Deno.args)));

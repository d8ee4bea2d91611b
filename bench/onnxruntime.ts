/**
 * `deno run -A bench/onnxruntime.ts`: how long a whole training step of an ONNX model takes with
 * @precond/onnxruntime, with the removed TrainingSession and with tfjs.
 *
 * @module
 */
import Table from "cli-table3";
import { Option } from "commander";
import { command, names, parseArguments, positive, positives, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import {
  measureTrainingIn,
  requireTrainingPlaces,
  trainingPlaces,
} from "./onnxruntime/measurers.ts";
import {
  type ModelName,
  models,
  type OnnxruntimeRuntime,
  type ProviderName,
  providers,
  type TrainingRow,
} from "./onnxruntime/rows.ts";

interface Options {
  readonly model: ModelName[];
  readonly provider: ProviderName[];
  readonly runtime: OnnxruntimeRuntime[];
  readonly hidden: number[];
  readonly threads: number[];
  readonly batch: number;
  readonly samples: number;
  readonly json?: string;
}

const runtimes: readonly OnnxruntimeRuntime[] = ["deno", "node"];

function parse(args: readonly string[]): Options {
  const among = (flags: string, about: string, what: string, all: readonly string[]) =>
    new Option(`${flags} <names>`, `${about}: ${all.join(", ")}`).default([...all], all.join())
      .argParser(names(what, () => all));
  const program = command("onnxruntime", "Times whole training steps of ONNX models.")
    .addOption(among("--model", "models", "model", models))
    .addOption(among("--provider", "providers of ONNX Runtime", "provider", providers))
    .addOption(among("--runtime", "where cpu and wasm run", "runtime", runtimes))
    .addOption(
      new Option("--hidden <units>", "the MLP's hidden layers").default([500], "500")
        .argParser(positives),
    )
    .addOption(
      new Option("--threads <counts>", "threads of ours on wasm").default([1, 2], "1,2")
        .argParser(positives),
    )
    .addOption(
      new Option("--batch <size>", "examples in a batch").default(64).argParser(positive),
    )
    .addOption(samplesOption(31))
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

/** The rows for people. */
export function trainingTable(rows: readonly TrainingRow[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: [
      "model",
      "provider",
      "in",
      "threads",
      "method",
      "step ms",
      "outside run",
      "refresh ms",
      "baseline",
      "ms",
      "baseline / ours",
    ],
  });
  for (const row of rows) {
    table.push([
      row.model,
      row.provider,
      row.runtime,
      row.threads ?? "",
      row.method,
      number(row.step_ms),
      `${(100 * (1 - row.run_ms / row.step_ms)).toFixed(1)} %`,
      row.refresh_ms === null ? "" : number(row.refresh_ms),
      row.baseline,
      number(row.baseline_ms),
      row.ratio.toFixed(2),
    ]);
  }
  return table.toString();
}

async function onnxruntime(args: readonly string[]): Promise<void> {
  const { model, provider, runtime, hidden, threads, batch, samples, json } = parse(args);
  const places = trainingPlaces(provider, runtime, threads);
  await requireTrainingPlaces(places);
  const rows: TrainingRow[] = [];
  for (const name of model) {
    for (const place of places) {
      console.error(`${name} on ${place.provider} in ${place.runtime}, batch ${batch}`);
      const { provider, threads } = place;
      const given = { model: name, provider, threads, hidden, batchSize: batch, samples };
      rows.push(...await measureTrainingIn(place.runtime, given));
      await writeRows(json, rows, { program: "onnxruntime", args });
    }
  }
  console.log(trainingTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => onnxruntime(Deno.args)));

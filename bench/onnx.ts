/**
 * `deno run -A bench/onnx.ts`: what differentiating an ONNX model takes, and what its gradient graph
 * costs beside the forward pass.
 *
 * @module
 */
import Table from "cli-table3";
import { Option } from "commander";
import { env } from "onnxruntime-node";
import { command, names, parseArguments, positive, positives, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { versions } from "./device.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { onnxCases } from "./onnx/cases.ts";
import { measureDifferentiation, measureRuns } from "./onnx/measure.ts";
import { type OnnxRow, onnxRow } from "./onnx/rows.ts";

interface Options {
  readonly model: string[];
  readonly threads: number[];
  readonly samples: number;
  readonly processes: number;
  readonly json?: string;
}

const every = onnxCases.map(({ name }) => name);

function parse(args: readonly string[]): Options {
  const program = command("onnx", "Times gradient graphs on onnxruntime-node's CPU provider.")
    .addOption(
      new Option("--model <names>", `models: ${every.join(", ")}`).default(every, "all")
        .argParser(names("model", () => every)),
    )
    .addOption(
      new Option("--threads <counts>", "threads of every session").default([2, 1], "2,1")
        .argParser(positives),
    )
    .addOption(samplesOption(31))
    .addOption(
      new Option("--processes <count>", "fresh processes that differentiate each model").default(5)
        .argParser(positive),
    )
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

/** The rows for people. */
export function onnxTable(rows: readonly OnnxRow[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: [
      "model",
      "nodes",
      "with gradient",
      "differentiate ms",
      "extra memory",
      "threads",
      "forward ms",
      "gradient ms",
      "gradient / forward",
      "squares / gradient",
    ],
  });
  const ratio = (value: number | null) => value === null ? "" : value.toFixed(2);
  for (const row of rows) {
    table.push([
      row.model,
      row.nodes,
      row.gradient_nodes,
      number(row.differentiate_ms),
      `${(100 * row.extra_memory_ratio).toFixed(1)} %`,
      row.threads ?? "",
      row.forward_ms === null ? "" : number(row.forward_ms),
      row.gradient_ms === null ? "" : number(row.gradient_ms),
      ratio(row.gradient_ratio),
      ratio(row.squares_ratio),
    ]);
  }
  return table.toString();
}

async function onnx(args: readonly string[]): Promise<void> {
  const { model, threads, samples, processes, json } = parse(args);
  const rows: OnnxRow[] = [];
  for (const given of onnxCases.filter(({ name }) => model.includes(name))) {
    console.error(given.name);
    const differentiation = await measureDifferentiation(given.name, processes);
    if (!given.feeds) rows.push(onnxRow(given.name, processes, differentiation));
    for (const count of given.feeds ? threads : []) {
      const times = await measureRuns(given, { threads: count, samples });
      rows.push(onnxRow(given.name, samples, differentiation, { ...times, threads: count }));
    }
    const { precond, deno } = versions();
    await writeRows(json, rows, {
      ...{ program: "onnx", args },
      more: { versions: { precond, onnxruntime: env.versions.node, deno } },
    });
  }
  console.log(onnxTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => onnx(Deno.args)));

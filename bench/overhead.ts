/**
 * `deno run -A bench/overhead.ts`: how long the update itself takes, ours and the host's.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import Table from "cli-table3";
import { InvalidArgumentError, Option } from "commander";
import { command, names, parseArguments, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { gpuBackends } from "./gpu.ts";
import { placesOf, requirePlaces, withMeasurer } from "./overhead/measurers.ts";
import type { OverheadRow, Runtime, TimedRow, Waits } from "./overhead/rows.ts";
import { networkBackends, tensorBackends } from "./suite.ts";

interface Options {
  readonly backend: string[];
  readonly runtime: Runtime[];
  /** By default as many as the backend can take. */
  readonly parameters?: number[];
  readonly variables: number[];
  readonly samples: number;
  readonly wait: Waits;
  readonly json?: string;
}

const units: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6 };

/** "100k,1M" → [100000, 1000000]. */
export function counts(text: string): number[] {
  return text.split(",").map((part) => {
    const [, digits, unit] = /^(\d+)([kM]?)$/.exec(part.trim()) ?? [];
    if (digits === undefined || Number(digits) === 0) {
      throw new InvalidArgumentError(`expected numbers such as 100k,1M, current value is ${text}`);
    }
    return Number(digits) * units[unit!]!;
  });
}

function parse(args: readonly string[]): Options {
  const program = command("overhead", "Times the update alone, with ready gradients.")
    .addOption(
      new Option("--backend <names>", `tfjs backends: ${tensorBackends.join(", ")}`)
        .default(networkBackends, networkBackends.join())
        .argParser(names("backend", () => tensorBackends)),
    )
    .addOption(
      new Option("--runtime <names>", "where webgpu runs: deno, chromium").default(["deno"], "deno")
        .argParser(names("runtime", () => ["deno", "chromium"])),
    )
    .addOption(
      new Option("--parameters <counts>", "sizes (default: 100k,1M, and 10M without a GPU)")
        .argParser(counts),
    )
    .addOption(
      new Option("--variables <counts>", "numbers of variables").default([1, 20], "1,20")
        .argParser(counts),
    )
    .addOption(samplesOption(7))
    .addOption(
      new Option("--wait <when>", "when a GPU is waited for").choices(["step", "sample"])
        .default("step"),
    )
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

/** The rows for people. */
export function overheadTable(rows: readonly (TimedRow | OverheadRow)[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: [
      "backend",
      "in",
      "parameters",
      "variables",
      "ours",
      "ms",
      "refresh ms",
      "baseline",
      "ms",
      "ours / baseline",
      "wait ms",
      "GB/s",
      "share of a copy",
    ],
  });
  for (const row of rows) {
    table.push([
      row.backend,
      row.runtime,
      row.parameters.toLocaleString("en"),
      row.variables,
      row.method,
      number(row.ours_ms),
      row.refresh_ms === null ? "" : number(row.refresh_ms),
      row.baseline,
      number(row.baseline_ms),
      row.ratio.toFixed(3),
      row.wait_ms === null ? "" : number(row.wait_ms),
      ...("bandwidth_share" in row
        ? [number(row.gigabytes_per_second), `${Math.round(100 * row.bandwidth_share)} %`]
        : ["", ""]),
    ]);
  }
  return table.toString();
}

async function overhead(args: readonly string[]): Promise<void> {
  const { backend: backends, runtime, parameters, variables, samples, wait, json } = parse(args);
  const rows: (TimedRow | OverheadRow)[] = [];
  const save = async () => {
    await writeRows(json, rows, { program: "overhead", args });
  };
  const places = placesOf(backends, runtime);
  await requirePlaces(places);
  for (const place of places) {
    const { backend } = place;
    await withMeasurer(place, wait, async (measure) => {
      const sizes = parameters ?? (gpuBackends.includes(backend) ? [1e5, 1e6] : [1e5, 1e6, 1e7]);
      for (const size of sizes) {
        for (const count of variables) {
          console.error(
            `${backend} in ${place.runtime}: ${size.toLocaleString("en")} parameters in ${count}`,
          );
          // A step of the host's on cpu takes seconds from 10M parameters on.
          const slow = backend === "cpu" && size >= 1e7;
          const fewer = slow ? Math.min(samples, 5) : samples;
          rows.push(
            ...await measure({ backend, parameters: size, variables: count, samples: fewer }),
          );
          await save();
        }
      }
    });
  }
  console.log(overheadTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => overhead(Deno.args)));

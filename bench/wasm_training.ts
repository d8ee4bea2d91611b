/**
 * `deno run -A bench/wasm_training.ts`: training steps on tfjs's wasm backend with
 * `@precond/tfjs/wasm_training`, beside those on its cpu backend, in turns; with `--beside webgl` in
 * Chromium, beside webgl.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import Table from "cli-table3";
import { Option } from "commander";
import { command, parseArguments, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { browser, requireChromium, startedInPage } from "./runtime.ts";
import type * as PageExports from "./wasm_training/_page.ts";
import { type Beside, measureBeside, networks } from "./wasm_training/networks.ts";

type Rival = "cpu" | "webgl";

interface Row {
  readonly network: string;
  /** What computed for webgl. */
  readonly gpu?: string;
  /** `wasm_ms`, `cpu_ms` or `webgl_ms` (medians), their ratio, and how many steps each took. */
  readonly [figure: string]: string | number;
}

const rowOf = (network: string, rival: Rival, measured: Beside, gpu?: string): Row => ({
  network,
  ...(gpu && { gpu }),
  wasm_ms: measured.wasm_ms,
  [`${rival}_ms`]: measured.other_ms,
  [`${rival}_over_wasm`]: measured.other_over_wasm,
  wasm_steps: measured.wasm_steps,
  [`${rival}_steps`]: measured.other_steps,
});

/** Beside cpu, whose steps take a minute: two of them. */
async function besideCpu(samples: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of Object.keys(networks)) {
    rows.push(rowOf(name, "cpu", await measureBeside(name, "cpu", { samples, steps: 2 })));
  }
  return rows;
}

/** A step in turn with one of webgl. */
async function besideWebgl(samples: number): Promise<Row[]> {
  await requireChromium("webgl");
  const { withPage } = await browser();
  const wasm = new URL(".", import.meta.resolve("@tensorflow/tfjs-backend-wasm"));
  return await withPage<typeof PageExports, Row[]>(
    {
      entry: new URL("./wasm_training/_page.ts", import.meta.url),
      files: { "/wasm/": wasm },
      timeout: 600_000,
    },
    async (page) => {
      const gpu = await startedInPage("webgl", () => page.call("start"));
      const rows: Row[] = [];
      for (const name of Object.keys(networks)) {
        const turns = { samples: 1, steps: samples };
        rows.push(
          rowOf(name, "webgl", await page.call("measureBeside", name, "webgl", turns), gpu),
        );
      }
      return rows;
    },
  );
}

async function wasmTraining(args: readonly string[]): Promise<void> {
  const program = command("wasm_training", "Times training steps on wasm beside another backend.")
    .addOption(new Option("--beside <backend>").choices(["cpu", "webgl"]).default("cpu"))
    .addOption(samplesOption(10))
    .option("--json <file>", "where to write the rows");
  parseArguments(program, args);
  const { beside, samples, json } = program.opts<
    { beside: Rival; samples: number; json?: string }
  >();
  const rows = await (beside === "webgl" ? besideWebgl : besideCpu)(samples);
  const table = new Table({
    head: ["network", "wasm, ms", `${beside}, ms`, `${beside} / wasm`],
  });
  for (const row of rows) {
    const figures = ["wasm_ms", `${beside}_ms`, `${beside}_over_wasm`];
    table.push([row.network, ...figures.map((figure) => number(Number(row[figure])))]);
  }
  console.log(table.toString());
  await writeRows(json, rows, { program: "wasm_training", args });
}

if (import.meta.main) Deno.exit(await exitCode(() => wasmTraining(Deno.args)));

/**
 * `deno run -A bench/fine_tuning.ts`: a small decoder, pre-trained and then fine-tuned by adapters, with
 * each optimizer at its default rate and at fractions of it.
 *
 * @module
 */
import Table from "cli-table3";
import ort from "onnxruntime-node";
import type { Ort } from "@precond/onnxruntime";
import { command, parseArguments, positive } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import {
  type FineTuning,
  optimizers,
  pretrained,
  sizes,
  tune,
  type Tuned,
} from "./fine_tuning/tune.ts";
import { number } from "./format.ts";
import { median } from "./statistics.ts";

/** Of the default rate; Adam's is the smallest of the three by far, and is tried above it. */
const shares: Readonly<Record<string, readonly number[]>> = {
  adamW: [10, 1, 0.1],
  snrOnly: [1, 0.1, 0.01],
  combined: [1, 0.1, 0.01],
};

interface Options {
  readonly seeds: number;
  readonly pretraining: number;
  readonly steps: number;
  readonly json?: string;
}

function parse(args: readonly string[]): Options {
  const program = command("fine_tuning", "Compares learning rates of fine-tuning with adapters.")
    .option("--seeds <count>", "runs of each", positive, 5)
    .option("--pretraining <count>", "steps on the guide", positive, 300)
    .option("--steps <count>", "steps on the notes", positive, 60)
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  return program.opts<Options>();
}

async function measure(args: readonly string[]): Promise<void> {
  const { seeds, pretraining, steps, json } = parse(args);
  const rows: FineTuning[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const base = await pretrained(ort as unknown as Ort, seed, pretraining);
    for (const [optimizer, { make, usual }] of Object.entries(optimizers)) {
      for (const share of shares[optimizer]!) {
        const learningRate = Number((share * usual).toPrecision(6));
        const given = { base, optimizer: make(learningRate), seed, steps };
        rows.push({
          optimizer,
          learningRate,
          share,
          seed,
          ...await tune(ort as unknown as Ort, given),
        });
        console.error(rows.at(-1));
        await writeRows(json, rows, {
          program: "fine_tuning",
          args,
          more: { pretraining, steps, ...sizes },
        });
      }
    }
  }
  const table = new Table({ head: ["", "rate", "notes: at first", "at the end", "best", "guide"] });
  for (const { optimizer, learningRate } of rows.filter(({ seed }) => seed === 1)) {
    const runs = rows.filter((row) =>
      row.optimizer === optimizer && row.learningRate === learningRate
    );
    const of = (key: keyof Tuned) => number(median(runs.map((row) => row[key])));
    table.push([
      optimizer,
      String(learningRate),
      of("firstLoss"),
      of("lastLoss"),
      of("bestLoss"),
      `${of("firstGuideLoss")} → ${of("lastGuideLoss")}`,
    ]);
  }
  console.log(table.toString());
}

if (import.meta.main) Deno.exit(await exitCode(() => measure(Deno.args)));

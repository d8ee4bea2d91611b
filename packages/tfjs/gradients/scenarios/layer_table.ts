/**
 * The table of layers in docs/tfjs_layers.md, made by trying: `deno task layers:write`. `layer_table_test.ts`
 * finds it out of date.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import { disableWasmTraining, enableWasmTraining } from "../../wasm_training/mod.ts";
import { disableGradients, enableGradients } from "../mod.ts";
import { type Cell, firstOrderError, secondOrderError, tryLayer } from "./check_layer.ts";
import { type LayerCase, nameOf } from "./layer_case.ts";
import { layerCases } from "./layer_cases.ts";

/** One way to train a layer. */
export interface Column {
  readonly title: string;
  readonly backend: "cpu" | "wasm";
  /** With `wasm_training` and `gradients`. */
  readonly packs: boolean;
  readonly order: 1 | 2;
}

/** The columns of the table. */
export const columns: readonly Column[] = [
  { title: "cpu alone", backend: "cpu", packs: false, order: 1 },
  { title: "wasm alone", backend: "wasm", packs: false, order: 1 },
  { title: "cpu", backend: "cpu", packs: true, order: 1 },
  { title: "wasm", backend: "wasm", packs: true, order: 1 },
  { title: "second order, cpu", backend: "cpu", packs: true, order: 2 },
  { title: "second order, wasm", backend: "wasm", packs: true, order: 2 },
];

/** Tries a layer in every column. */
export async function cellsOf(test: LayerCase): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const { backend, packs, order } of columns) {
    if (packs) {
      enableWasmTraining();
      enableGradients();
    } else {
      disableGradients();
      disableWasmTraining();
    }
    await tf.setBackend(backend);
    cells.push(await tryLayer(test, order === 1 ? firstOrderError : secondOrderError));
  }
  return cells;
}

const signs: Readonly<Record<Cell["state"], string>> = { right: "✓", wrong: "wrong", refused: "–" };
const begin = "<!-- layers: deno task layers:write -->", end = "<!-- layers end -->";

/** A row of the table. */
export function rowOf(test: LayerCase, cells: readonly Cell[]): string[] {
  return [nameOf(test), ...cells.map(({ state }) => signs[state])];
}

/** The page with the rows in the place of its table. */
export function withTable(text: string, rows: readonly string[][]): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write the table: no ${begin} … ${end}`);
  const all = [["layer", ...columns.map(({ title }) => title)], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => [...row[i]!].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length)).join(" | ")} |`;
  const table = [line(all[0]!), `| ${widths.map((w) => "-".repeat(w)).join(" | ")} |`];
  const lines = [...table, ...rows.map(line)].join("\n");
  return `${text.slice(0, from)}${begin}\n\n${lines}\n\n${text.slice(to)}`;
}

/** The page that has the table. */
export const page: URL = new URL("../../../../docs/tfjs_layers.md", import.meta.url);

if (import.meta.main) {
  const rows: string[][] = [];
  for (const test of layerCases) {
    const cells = await cellsOf(test);
    for (const [i, { state, detail }] of cells.entries()) {
      if (state !== "right") {
        console.error(`${nameOf(test)}, ${columns[i]!.title}: ${state}, ${detail}`);
      }
    }
    rows.push(rowOf(test, cells));
  }
  await Deno.writeTextFile(page, withTable(await Deno.readTextFile(page), rows));
}

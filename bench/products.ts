/**
 * `deno run -A bench/products.ts`: matrix products of a step in an eigenbasis, ours and the host's.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { arrayBackend, type ProductCall, productsOf, wasmBackend } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import Table from "cli-table3";
import { command, parseArguments, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { interleaved, type Timed } from "./overhead/interleaved.ts";
import { random } from "./random.ts";

/** op(a) [rows, inner] · op(b) [inner, columns]; "t" where a factor is stored transposed. */
export interface ProductShape {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly a: "n" | "t";
  readonly b: "n" | "t";
}

/** One product: median milliseconds, all contenders in turn in one process. */
export interface ProductRow extends ProductShape {
  /** core's WebAssembly, one thread. */
  readonly wasm_ms: number;
  /** core's JavaScript. */
  readonly javascript_ms: number;
  /** tf.matMul on the wasm backend: XNNPACK on one thread if nothing is transposed. */
  readonly host_wasm_ms: number;
  /** host_wasm_ms / wasm_ms: above 1 we are faster. */
  readonly ratio: number;
  /** Of core's WebAssembly, in 10⁹ multiplications and additions a second. */
  readonly gigaflops: number;
  readonly samples: number;
}

const shape = (rows: number, inner: number, columns: number, forms = "nn"): ProductShape => ({
  rows,
  inner,
  columns,
  a: forms[0] as "n" | "t",
  b: forms[1] as "n" | "t",
});

/** What the basis of layers of 784×128, 128×128, 64×48 and 16×10 asks for. */
export const productShapes: readonly ProductShape[] = [
  shape(128, 784, 128),
  shape(784, 128, 128),
  shape(784, 128, 128, "nt"),
  shape(128, 784, 128, "tn"),
  shape(128, 128, 128),
  shape(128, 128, 128, "tn"),
  shape(64, 64, 48, "tn"),
  shape(64, 48, 48, "nt"),
  shape(64, 64, 64),
  shape(32, 32, 32),
  shape(16, 64, 64),
  shape(16, 16, 10, "tn"),
];

/** Times one product. */
export async function measureProduct(given: ProductShape, samples: number): Promise<ProductRow> {
  const { rows, inner, columns, a, b } = given;
  const [transposeA, transposeB] = [a === "t", b === "t"];
  const shapes = {
    a: transposeA ? [inner, rows] : [rows, inner],
    b: transposeB ? [columns, inner] : [inner, columns],
  };
  const { normal } = random(1);
  const values = {
    a: Float32Array.from({ length: rows * inner }, normal),
    b: Float32Array.from({ length: inner * columns }, normal),
  };
  const sizes = { rows, inner, columns, transposeA, transposeB };
  const own = wasmBackend(), plain = arrayBackend();
  const products = productsOf(own)!;
  const calls: ProductCall<ReturnType<typeof own.write>>[] = [{
    ...sizes,
    a: own.write(values.a, shapes.a),
    b: own.write(values.b, shapes.b),
    out: own.allocate([rows, columns], 0),
  }];
  const plainCalls = [{ ...sizes, ...values, out: new Float32Array(rows * columns) }];
  await tf.setBackend("wasm");
  const left = tf.tensor(values.a, shapes.a), right = tf.tensor(values.b, shapes.b);
  const contenders: Timed[] = [
    { name: "wasm", step: () => void products(calls) },
    { name: "javascript", step: () => void plain.multiply!(plainCalls) },
    {
      name: "host",
      step: () => tf.dispose(tf.matMul(left, right, transposeA, transposeB)),
    },
  ];
  const times = await interleaved(contenders, samples, undefined, {
    milliseconds: 15,
    untimed: 5,
  });
  tf.dispose([left, right]);
  const [wasm_ms, javascript_ms, host_wasm_ms] = contenders.map(({ name }) => times.get(name)!);
  return {
    ...given,
    wasm_ms: wasm_ms!,
    javascript_ms: javascript_ms!,
    host_wasm_ms: host_wasm_ms!,
    ratio: host_wasm_ms! / wasm_ms!,
    gigaflops: 2 * rows * inner * columns / wasm_ms! / 1e6,
    samples,
  };
}

/** The rows for people. */
export function productTable(rows: readonly ProductRow[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: ["product", "stored", "wasm ms", "GFLOP/s", "JavaScript ms", "tf.matMul ms", "tf / wasm"],
  });
  for (const row of rows) {
    table.push([
      `${row.rows}×${row.inner}×${row.columns}`,
      `${row.a}${row.b}`,
      number(row.wasm_ms),
      row.gigaflops.toFixed(1),
      number(row.javascript_ms),
      number(row.host_wasm_ms),
      row.ratio.toFixed(2),
    ]);
  }
  return table.toString();
}

async function products(args: readonly string[]): Promise<void> {
  const program = command("products", "Times matrix products, ours and those of tfjs's wasm.")
    .addOption(samplesOption(15))
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  const { samples, json } = program.opts<{ samples: number; json?: string }>();
  const rows: ProductRow[] = [];
  for (const given of productShapes) rows.push(await measureProduct(given, samples));
  await writeRows(json, rows, { program: "products", args });
  console.log(productTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => products(Deno.args)));

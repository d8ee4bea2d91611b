/**
 * Differentiates the ONNX standard's backend tests and compares with central differences of the
 * standard's own reference, both of which onnx_backend_tests.py writes. Outside CI.
 *
 *     deno run -A tools/onnx_backend_tests.ts FOLDER [--only part] [--list]
 *
 * @module
 */
import { differentiate, OnnxError, readModel, writeModel } from "@precond/onnx";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";

interface Stored {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly base64: string;
}

interface Case {
  readonly name: string;
  readonly feeds: Readonly<Record<string, Stored>>;
  readonly wanted: readonly string[];
  readonly expected:
    & Readonly<Record<string, { readonly indices: number[]; readonly values: number[] }>>
    & { readonly error?: string };
}

/** Relative to the largest element, for float32 and coarse kernels. */
const TOLERANCE = 2e-3;
/** For inputs of float16. */
const HALF = 2e-2;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", default: "" }, list: { type: "boolean", default: false } },
});
const folder = positionals[0];
if (folder === undefined || !existsSync(folder)) {
  console.error("usage: deno run -A tools/onnx_backend_tests.ts FOLDER, which the .py wrote");
  process.exit(2);
}

function tensorOf({ dtype, dims, base64 }: Stored): ort.Tensor {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
  const arrays: Record<string, (b: ArrayBuffer) => unknown> = {
    float32: (b) => new Float32Array(b),
    float64: (b) => new Float64Array(b),
    float16: (b) => new Uint16Array(b),
    int64: (b) => new BigInt64Array(b),
    uint64: (b) => new BigUint64Array(b),
    int32: (b) => new Int32Array(b),
    uint32: (b) => new Uint32Array(b),
    int16: (b) => new Int16Array(b),
    uint16: (b) => new Uint16Array(b),
    int8: (b) => new Int8Array(b),
    uint8: (b) => new Uint8Array(b),
    bool: (b) => new Uint8Array(b),
  };
  const make = arrays[dtype];
  if (make === undefined) throw new TypeError(`a feed of ${dtype} cannot be given`);
  return new ort.Tensor(dtype as "float32", make(bytes) as Float32Array, dims);
}

const numbers = (tensor: ort.Tensor): number[] =>
  tensor.type === "float16"
    ? Array.from(tensor.data as unknown as ArrayLike<number>, halfOf)
    : Array.from(tensor.data as Float32Array, Number);

/** A float16 is given as its bits, or as a number by builds with Float16Array. */
function halfOf(bits: number): number {
  if (!Number.isInteger(bits) || typeof globalThis.Float16Array === "function") return bits;
  const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
  const size = exponent === 0
    ? fraction * 2 ** -24
    : exponent === 31
    ? (fraction === 0 ? Infinity : NaN)
    : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return sign === 0 ? size : -size;
}

/** What came of a test: right, or why not. */
async function check(test: Case, bytes: Uint8Array): Promise<[outcome: string, why: string]> {
  let grown;
  try {
    grown = differentiate(readModel(bytes), { output: "R/loss", trainable: test.wanted });
  } catch (error) {
    if (!(error instanceof OnnxError)) return ["crashed", String(error)];
    return ["refused", error.message];
  }
  let found: ort.InferenceSession.OnnxValueMapType;
  try {
    const session = await ort.InferenceSession.create(writeModel(grown.model), {
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
    });
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [
        name,
        test.feeds[name] === undefined
          ? new ort.Tensor("float32", [7], [])
          : tensorOf(test.feeds[name]),
      ]),
    );
    found = await session.run(feeds);
    await session.release();
  } catch (error) {
    return ["not run", (error as Error).message.slice(0, 160)];
  }
  if (test.expected.error !== undefined) return ["not compared", test.expected.error];
  for (const name of test.wanted) {
    const { indices, values } = test.expected[name]!;
    const actual = numbers(found[grown.gradients.get(name)!] as ort.Tensor);
    const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-2);
    const limit = test.feeds[name]!.dtype === "float16" ? HALF : TOLERANCE;
    for (const [k, index] of indices.entries()) {
      const error = Math.abs(actual[index]! - values[k]!) / largest;
      if (error <= limit) continue;
      return ["wrong", `"${name}"[${index}] is ${actual[index]}, differences give ${values[k]}`];
    }
  }
  return ["right", ""];
}

const counts = new Map<string, number>();
const refused = new Map<string, string[]>();
for (const name of readdirSync(folder).sort()) {
  if (!name.includes(options.only)) continue;
  const test: Case = JSON.parse(readFileSync(join(folder, name, "case.json"), "utf8"));
  const [outcome, why] = await check(
    test,
    new Uint8Array(readFileSync(join(folder, name, "model.onnx"))),
  );
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  if (outcome === "refused") {
    const operator = /parameter: ([\w.]+) "/.exec(why)?.[1] ?? why.replace(/"[^"]*"/g, '"…"');
    refused.set(operator, [...(refused.get(operator) ?? []), name]);
  } else if (outcome !== "right") console.log(`${outcome}: ${name}: ${why}`);
  if (options.list && outcome === "refused") console.log(`refused: ${name}: ${why}`);
}
console.log("\n| outcome | tests |\n| --- | ---: |");
for (const [outcome, count] of counts) console.log(`| ${outcome} | ${count} |`);
console.log("\n| refused | tests |\n| --- | ---: |");
for (const [operator, names] of [...refused].sort((a, b) => b[1].length - a[1].length)) {
  console.log(`| ${operator} | ${names.length} |`);
}

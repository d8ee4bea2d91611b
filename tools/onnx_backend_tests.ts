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
  /** Whether differences are of float64. */
  readonly exact: boolean;
  /** Of each input elements: index, difference, and the lesser and greater one to either side. */
  readonly expected:
    & Readonly<Record<string, readonly (readonly [number, number, number, number])[]>>
    & { readonly error?: string };
}

/** Relative to the largest element, for float32 and coarse kernels. */
const TOLERANCE = 2e-3;
/** For inputs of float16, and differences of float32. */
const COARSE = 3e-2;

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
    float16: (b) => typeof Float16Array === "function" ? new Float16Array(b) : new Uint16Array(b),
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
  let wanted = test.wanted;
  const grow = () => differentiate(readModel(bytes), { output: "R/loss", trainable: wanted });
  try {
    try {
      grown = grow();
    } catch (error) {
      // Weights of classes are no parameters: the rest counts.
      const others = test.wanted.filter((name) => !/^w(eight)?$/.test(name));
      if (!/class weights/.test((error as Error).message) || others.length === 0) throw error;
      wanted = others;
      grown = grow();
    }
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
  let compared = 0;
  for (const name of wanted) {
    const elements = test.expected[name]!;
    compared += elements.length;
    const actual = numbers(found[grown.gradients.get(name)!] as ort.Tensor);
    const largest = elements.reduce((most, [, slope]) => Math.max(most, Math.abs(slope)), 1e-2);
    const coarse = test.feeds[name]!.dtype === "float16" || !test.exact;
    const limit = largest * (coarse ? COARSE : TOLERANCE);
    for (const [index, slope, low, high] of elements) {
      const value = actual[index]!;
      if (Math.abs(value - slope) <= limit) continue;
      // At a kink any slope between those of its sides is a subgradient.
      if (high - low > limit && value >= low - limit && value <= high + limit) continue;
      return ["wrong", `"${name}"[${index}] is ${value}, differences give ${slope}`];
    }
  }
  if (compared === 0) return ["not compared", "no difference is finite"];
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

/** @module */
import { DataType } from "@precond/onnx";
import { wrongLabel } from "./feed_values.ts";
import type { InputInfo, LoadedGraph } from "../../graphs/graphs.ts";
import { kindOf } from "./kind_of.ts";
import type { Feed, Feeds, Ort, Tensor } from "../../ort.ts";

/** ONNX Runtime's names of ONNX's element types. */
export const ORT_TYPES: Readonly<Record<number, Tensor.Type>> = {
  [DataType.FLOAT]: "float32",
  [DataType.DOUBLE]: "float64",
  [DataType.FLOAT16]: "float16",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
  [DataType.INT16]: "int16",
  [DataType.INT8]: "int8",
  [DataType.UINT8]: "uint8",
  [DataType.BOOL]: "bool",
};

/**
 * The caller's feeds as tensors, checked against the graph: every input there, none too many, right
 * types, ranks and sizes.
 *
 * @param own Inputs that the trainer feeds itself.
 * @throws {TypeError} Naming the input, what was expected and what was given.
 */
export function checkFeeds(
  ort: Ort,
  action: string,
  feeds: Feeds,
  inputs: readonly InputInfo[],
  own: ReadonlySet<string>,
): Record<string, Tensor> {
  if (feeds === null || typeof feeds !== "object") {
    throw new TypeError(
      `Cannot ${action}: feeds must be tensors by the names of inputs, given is ${kindOf(feeds)}`,
    );
  }
  const wanted = inputs.filter(({ name }) => !own.has(name));
  const names = new Set(wanted.map(({ name }) => name));
  const missing = wanted.filter(({ name }) => feeds[name] === undefined);
  const given = Object.keys(feeds);
  const list = (all: readonly string[]) => all.map((name) => `"${name}"`).join(", ") || "nothing";
  if (missing.length > 0) {
    throw new TypeError(
      `Cannot ${action}: missing ${list(missing.map(({ name }) => name))}, given is ${list(given)}`,
    );
  }
  const unknown = given.filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new TypeError(
      `Cannot ${action}: the graph has no input ${list(unknown)}, it takes ${list([...names])}`,
    );
  }
  const sizes = new Map<string, { size: number; of: string }>();
  return Object.fromEntries(
    wanted.map((input) => [input.name, tensorFor(ort, action, input, feeds[input.name]!, sizes)]),
  );
}

/**
 * Refuses a batch without examples, of which there is no mean loss.
 *
 * @throws {RangeError} Naming the input.
 */
export function requireExamples(action: string, feeds: Feeds): void {
  for (const [name, feed] of Object.entries(feeds ?? {})) {
    if (Array.isArray(feed?.dims) && feed.dims.includes(0)) {
      throw new RangeError(`Cannot ${action}: "${name}" is empty, given is [${feed.dims}]`);
    }
  }
}

function tensorFor(
  ort: Ort,
  action: string,
  { name, type, dims, labels }: InputInfo,
  feed: Feed,
  sizes: Map<string, { size: number; of: string }>,
): Tensor {
  const fail = (expected: string, actual: string): never => {
    throw new TypeError(`Cannot ${action}: "${name}" must ${expected}, ${actual}`);
  };
  if (!Array.isArray(feed?.dims)) {
    fail("be a tensor or { data, dims }", `given is ${kindOf(feed)}`);
  }
  const expected = type === undefined ? undefined : ORT_TYPES[type];
  const actual = "type" in feed ? feed.type : typeOf(feed.data as object | undefined);
  const fits = expected === undefined || actual === expected ||
    (expected === "bool" && actual === "uint8" && !("type" in feed));
  if (!fits) {
    fail(`have type ${expected}`, `given is ${actual ?? kindOf((feed as { data: unknown }).data)}`);
  }
  const shape = `[${feed.dims.join()}]`;
  if (!feed.dims.every((size) => Number.isInteger(size) && size >= 0)) {
    fail("have a shape of whole numbers", `given is ${shape}`);
  }
  if (dims !== undefined) {
    const wanted = dims.map((dim, k) => dim === `${name}.${k}` ? "?" : dim).join();
    if (feed.dims.length !== dims.length) fail(`have shape [${wanted}]`, `given is ${shape}`);
    dims.forEach((dim, k) => {
      const size = feed.dims[k]!;
      if (typeof dim === "number") {
        if (dim !== size) fail(`have shape [${wanted}]`, `given is ${shape}`);
        return;
      }
      // One symbol is one size, whichever inputs it appears in.
      const seen = sizes.get(dim);
      if (seen === undefined) sizes.set(dim, { size, of: name });
      else if (seen.size !== size) {
        fail(
          `have size ${seen.size} along axis ${k}, as "${seen.of}" has (${dim})`,
          `given is ${shape}`,
        );
      }
    });
  }
  if (labels !== undefined) {
    const wrong = wrongLabel(feed, labels);
    if (wrong !== undefined) {
      fail(
        `hold classes from 0 to ${labels.classes - 1}${
          labels.ignoreIndex === undefined ? "" : ` or ${labels.ignoreIndex}`
        }`,
        `given is ${wrong.label} at element ${wrong.at}`,
      );
    }
  }
  if ("type" in feed) return feed;
  const count = feed.dims.reduce((a, b) => a * b, 1);
  const { length } = feed.data as ArrayLike<unknown>;
  if (length !== count) fail(`have ${count} elements for [${feed.dims}]`, `given are ${length}`);
  return new ort.Tensor(expected ?? actual!, feed.data, feed.dims);
}

function typeOf(data: object | undefined): Tensor.Type | undefined {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint8Array) return "uint8";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Int16Array) return "int16";
  if (data instanceof Uint16Array) return "float16";
  return undefined;
}

/** Feeds in the element types that the provider takes: labels as int32, or float32 on WebGL. */
export function convertFeeds(
  ort: Ort,
  feeds: Readonly<Record<string, Tensor>>,
  changes: LoadedGraph["changes"],
): Record<string, Tensor> {
  const converted = { ...feeds };
  for (const [name, { to }] of changes) {
    const feed = feeds[name];
    const type = ORT_TYPES[to];
    if (feed === undefined || type === undefined || feed.type === type) continue;
    const values = Array.from(feed.data as ArrayLike<number | bigint>, Number);
    const data = type === "float32" ? Float32Array.from(values) : Int32Array.from(values);
    converted[name] = new ort.Tensor(type, data, feed.dims);
  }
  return converted;
}

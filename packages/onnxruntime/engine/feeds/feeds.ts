/**
 * The caller's feeds as tensors, checked against the graph.
 *
 * @module
 */
import type { InputInfo } from "../../graphs/inputs.ts";
import type { LoadedGraph } from "../../graphs/graphs.ts";
import type { Ort, Tensor } from "../../hosts/ort.ts";
import { ortTypes } from "./element_types.ts";
import { wrongLabel } from "./feed_values.ts";
import { kindOf } from "./kind_of.ts";
import type { TakenFeed, TakenFeeds } from "./take_feeds.ts";

/**
 * Every input is there, none too many; types, ranks and sizes are right.
 *
 * @param inputs Those that the caller feeds.
 * @throws {TypeError} Naming the input, what was expected and what was given.
 */
export function checkFeeds(
  ort: Ort,
  action: string,
  { byName, given }: TakenFeeds,
  inputs: readonly InputInfo[],
): Record<string, Tensor> {
  if (byName === undefined) {
    throw new TypeError(
      `Cannot ${action}: feeds must be tensors by the names of inputs, given is ${kindOf(given)}`,
    );
  }
  const names = new Set(inputs.map(({ name }) => name));
  const list = (all: Iterable<string>) =>
    [...all].map((name) => `"${name}"`).join(", ") || "nothing";
  const isGiven = (name: string) => {
    const feed = byName.get(name);
    return feed !== undefined && (feed.taken !== undefined || feed.given !== undefined);
  };
  const missing = [...names].filter((name) => !isGiven(name));
  if (missing.length > 0) {
    throw new TypeError(
      `Cannot ${action}: missing ${list(missing)}, given is ${list(byName.keys())}`,
    );
  }
  const unknown = [...byName.keys()].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new TypeError(
      `Cannot ${action}: the graph has no input ${list(unknown)}, it takes ${list(names)}`,
    );
  }
  const sizes = new Map<string, { size: number; of: string }>();
  return Object.fromEntries(
    inputs.map((input) => [
      input.name,
      tensorFor(ort, action, input, byName.get(input.name)!, sizes),
    ]),
  );
}

/**
 * Refuses a batch without examples, of which there is no mean loss.
 *
 * @throws {RangeError} Naming the input.
 */
export function requireExamples(action: string, feeds: Readonly<Record<string, Tensor>>): void {
  for (const [name, { dims }] of Object.entries(feeds)) {
    if (dims.includes(0)) {
      throw new RangeError(`Cannot ${action}: "${name}" is empty, given is [${dims}]`);
    }
  }
}

/** Arrays of the types that feeds are of. */
const arrays: Readonly<Record<string, string>> = {
  float32: "Float32Array.from(values)",
  float64: "Float64Array.from(values)",
  int32: "Int32Array.from(values)",
  int64: "BigInt64Array.from(values, BigInt)",
  bool: "Uint8Array.from(values)",
};

/** How data of a type are made of others. */
function howToWrite(type: string | undefined): string {
  const array = type === undefined ? undefined : arrays[type];
  return array === undefined ? "" : `; write { data: ${array}, dims }`;
}

function tensorFor(
  ort: Ort,
  action: string,
  { name, type, dims, labels }: InputInfo,
  feed: TakenFeed,
  sizes: Map<string, { size: number; of: string }>,
): Tensor {
  const fail = (expected: string, actual: string): never => {
    throw new TypeError(`Cannot ${action}: "${name}" must ${expected}, ${actual}`);
  };
  const expected = type === undefined ? undefined : ortTypes[type];
  const { taken } = feed;
  if (
    taken === undefined && !("location" in (feed.given ?? {}) && Array.isArray(feed.given.dims))
  ) {
    const { given } = feed;
    if (!Array.isArray(given?.dims)) {
      const dims = (given as { dims?: unknown } | undefined)?.dims;
      fail(
        "be a tensor or { data, dims }",
        dims == null ? `given is ${kindOf(given)}` : `dims are ${kindOf(dims)}, expected an Array`,
      );
    }
    const { data } = given;
    if (ArrayBuffer.isView(data) && data.byteLength === 0) {
      fail("have elements", "the memory of its array was transferred to somewhere else");
    }
    fail(
      expected === undefined ? "be of numbers" : `have type ${expected}`,
      `given is ${kindOf(data)}${howToWrite(expected)}`,
    );
  }
  const shape = taken?.dims ?? (feed as { given: Tensor }).given.dims;
  const types = taken === undefined
    ? [(feed as { given: Tensor }).given.type]
    : taken.type === undefined
    ? taken.types
    : [taken.type];
  if (expected !== undefined && !types.includes(expected)) {
    fail(`have type ${expected}`, `given is ${types[0]}${howToWrite(expected)}`);
  }
  const shown = `[${shape.join()}]`;
  if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
    fail("have a shape of whole numbers", `given is ${shown}`);
  }
  if (dims !== undefined) checkShape(fail, { name, dims }, shape, sizes);
  if (taken === undefined) return (feed as { given: Tensor }).given;
  if (labels !== undefined) {
    const wrong = wrongLabel(taken.data as ArrayLike<number | bigint>, labels);
    if (wrong !== undefined) {
      fail(
        `hold classes from 0 to ${labels.classes - 1}${
          labels.ignoreIndex === undefined ? "" : ` or ${labels.ignoreIndex}`
        }`,
        `given is ${wrong.label} at element ${wrong.at}`,
      );
    }
  }
  const count = shape.reduce((a, b) => a * b, 1);
  const { length } = taken.data;
  if (taken.type === undefined && length !== count) {
    fail(`have ${count} elements for ${shown}`, `given are ${length}`);
  }
  return new ort.Tensor(expected ?? types[0]!, taken.data as never, shape);
}

/** One symbol is one size, whichever inputs it appears in. */
function checkShape(
  fail: (expected: string, actual: string) => never,
  { name, dims }: { readonly name: string; readonly dims: readonly (number | string)[] },
  given: readonly number[],
  sizes: Map<string, { size: number; of: string }>,
): void {
  const shape = `[${given.join()}]`;
  const wanted = dims.map((dim, k) => dim === `${name}.${k}` ? "?" : dim).join();
  if (given.length !== dims.length) fail(`have shape [${wanted}]`, `given is ${shape}`);
  dims.forEach((dim, k) => {
    const size = given[k]!;
    if (typeof dim === "number") {
      if (dim !== size) fail(`have shape [${wanted}]`, `given is ${shape}`);
      return;
    }
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

/** Feeds in the element types that the provider takes: labels as int32, or float32 on WebGL. */
export function convertFeeds(
  ort: Ort,
  feeds: Readonly<Record<string, Tensor>>,
  changes: LoadedGraph["changes"],
): Record<string, Tensor> {
  const converted = { ...feeds };
  for (const [name, { to }] of changes) {
    const feed = feeds[name];
    const type = ortTypes[to];
    if (feed === undefined || type === undefined || feed.type === type) continue;
    const values = Array.from(feed.data as ArrayLike<number | bigint>, Number);
    const data = type === "float32" ? Float32Array.from(values) : Int32Array.from(values);
    converted[name] = new ort.Tensor(type, data, feed.dims);
  }
  return converted;
}

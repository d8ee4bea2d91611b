/** @module */
import { addAll } from "../graph/add_parts.ts";
import type { Builder } from "../graph/builder.ts";
import { gradientContext } from "../graph/node_context.ts";
import { type RuleLookup, ruleOf } from "../graph/rule.ts";
import { nameOf } from "../model/attributes.ts";
import { dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { guarded } from "./guarded.ts";
import { pathOf } from "./path.ts";

/**
 * Reverse mode: appends the nodes that compute `Σ_k seedₖᵀ ∂outputₖ/∂x` for every x of `wanted`.
 *
 * @param seeds The cotangent of each output that is differentiated.
 * @param stopped Values that are taken for constants.
 * @returns For each wanted value the name of its gradient, undefined where no output depends on it.
 * @throws {OnnxError} One error that lists every node without a rule on a path to a wanted value.
 */
export function backpropagate(
  b: Builder,
  lookup: RuleLookup,
  seeds: ReadonlyMap<string, string>,
  wanted: readonly string[],
  stopped: readonly string[] = [],
): Map<string, string | undefined> {
  const cotangents = cotangentsOf(b, lookup, seeds, wanted, stopped);
  return new Map(wanted.map((name) => [name, cotangents.get(name)]));
}

/** {@linkcode backpropagate}, with the cotangent of every value on a path to a wanted one. */
export function cotangentsOf(
  b: Builder,
  lookup: RuleLookup,
  seeds: ReadonlyMap<string, string | (() => string)>,
  wanted: readonly string[],
  stopped: readonly string[] = [],
): Map<string, string> {
  const route = { ends: [...seeds.keys()], wanted, stopped: new Set(stopped) };
  const { path, varying } = pathOf(b, lookup, route);

  // Made late: of a value whose type is not known, the error above says why.
  const shares = new Map(
    [...seeds].map(([name, seed]) => [name, [typeof seed === "string" ? seed : seed()]]),
  );
  const cotangents = new Map<string, string>();
  // When a value is reached, all that its uses give is there: it is summed at once.
  const total = (name: string) => {
    const found = cotangents.get(name);
    const values = shares.get(name);
    if (found !== undefined || values === undefined) return found;
    const sum = addAll(b, values);
    cotangents.set(name, sum);
    return sum;
  };

  for (let k = path.length - 1; k >= 0; k--) {
    const node = path[k]!;
    const arrived = guarded(node, () => node.output.map(total));
    if (arrived.every((c) => c === undefined)) continue;
    const rule = ruleOf(lookup, node)!;
    if (typeof rule.gradient !== "function") continue;
    const wants = (index: number) => varying.has(node.input[index] ?? "");
    const gradients = guarded(node, () => {
      const n = gradientContext(node, b, arrived, wants);
      return rule.gradient === "none" || rule.gradient === undefined ? [] : rule.gradient(n);
    });
    gradients.forEach((gradient, index) => {
      const input = node.input[index];
      if (gradient === undefined || input === undefined || input === "" || !wants(index)) return;
      checkCotangent(b, node, index, gradient);
      const values = shares.get(input);
      if (values === undefined) shares.set(input, [gradient]);
      else values.push(gradient);
    });
  }
  for (const name of shares.keys()) summed(name, () => total(name));
  return cotangents;
}

/** A cotangent has the shape and the element type of what it belongs to. */
function checkCotangent(b: Builder, node: NodeProto, index: number, gradient: string): void {
  const [found, expected] = [b.type(gradient), b.type(node.input[index]!)];
  if (found === undefined || expected === undefined) return;
  const refuse = (what: string, actual: unknown, wanted: unknown) => {
    throw new OnnxError(
      `Cannot differentiate ${node.opType} "${nameOf(node)}": the gradient of input ${index} ` +
        `has ${what} ${actual}, the input has ${wanted}`,
      { node: nameOf(node) },
    );
  };
  if (found.dataType !== expected.dataType) {
    refuse("type", dataTypeName(found.dataType), dataTypeName(expected.dataType));
  }
  const [from, to] = [found.dims, expected.dims];
  if (from === undefined || to === undefined) return;
  const fits = from.length === to.length &&
    from.every((d, k) => typeof d === "string" || typeof to[k] === "string" || d === to[k]);
  if (!fits) refuse("shape", `[${from}]`, `[${to}]`);
}

function summed<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError(`Cannot differentiate by "${name}": ${(cause as Error).message}`, {
      node: name,
      cause,
    });
  }
}

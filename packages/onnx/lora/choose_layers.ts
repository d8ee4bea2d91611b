/** @module */
import { OnnxError } from "../model/onnx_error.ts";
import type { FoundLayer, LoraLayer } from "./layers.ts";

/**
 * Layers to adapt: a name, as PEFT takes it (the layer's whole name, or what it ends in after a dot:
 * "query" is every "….query"); a regular expression that a part of the name matches; or a choice.
 */
export type LoraTarget = string | RegExp | ((layer: LoraLayer) => boolean);

/**
 * The layers that the targets name. Without targets every layer that is linear (projections of
 * attention and of MLPs), but those that make the model's outputs.
 *
 * @throws {OnnxError} For a target that names no layer: the error lists what there is.
 */
export function chooseLayers(
  layers: readonly FoundLayer[],
  targets: LoraTarget | readonly LoraTarget[] | undefined,
): FoundLayer[] {
  if (targets === undefined) {
    const usual = layers.filter((l) => l.kind === "linear" && !l.head && l.refusal === undefined);
    if (usual.length > 0) return usual;
    throw new OnnxError(
      `Cannot add adapters: the model has no linear layer besides those that make its outputs; give ` +
        `targets, ${listed(layers)}`,
    );
  }
  const list = (Array.isArray(targets) ? targets : [targets]) as readonly LoraTarget[];
  const chosen = new Set<FoundLayer>();
  for (const target of list) {
    const found = layers.filter(matcher(target));
    if (found.length === 0) {
      throw new OnnxError(
        `Cannot add adapters: ${
          typeof target === "function" ? "targets" : `the target ${shown(target)}`
        } matches no layer, ${listed(layers)}`,
      );
    }
    for (const layer of found) chosen.add(layer);
  }
  const refused = [...chosen].find(({ refusal }) => refusal !== undefined);
  if (refused !== undefined) {
    throw new OnnxError(
      `Cannot add an adapter to ${refused.op} "${refused.name}": ${refused.refusal}`,
      { node: refused.name },
    );
  }
  if (list.length === 0) throw new OnnxError(`Cannot add adapters: targets is an empty list`);
  return layers.filter((layer) => chosen.has(layer));
}

function matcher(target: LoraTarget): (layer: FoundLayer) => boolean {
  if (typeof target === "function") return (layer) => target(layer) === true;
  if (typeof target === "string") {
    return ({ name, weight }) =>
      name === target || name.endsWith(`.${target}`) || weight === target;
  }
  if (target instanceof RegExp) {
    // Of its own: one with the flag g remembers where it was.
    const pattern = new RegExp(target.source, target.flags.replace(/[gy]/g, ""));
    return ({ name }) => pattern.test(name);
  }
  throw new TypeError(
    `Cannot add adapters: targets must be names, regular expressions or functions, given is ${
      target === null ? "null" : typeof target
    }`,
  );
}

const shown = (target: string | RegExp) =>
  typeof target === "string" ? JSON.stringify(target) : String(target);

/** A large model may have thousands. */
const LISTED = 40;

function listed(layers: readonly FoundLayer[]): string {
  if (layers.length === 0) {
    return "and the model has none: no MatMul, Gemm, Conv, Gather or MatMulNBits with a stored weight";
  }
  const shown = layers.slice(0, LISTED).map(({ name, op, shape }) =>
    `"${name}" (${op} [${shape}])`
  );
  const more = layers.length - shown.length;
  return `of: ${shown.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { inlineFunctions } from "./inline_functions.ts";
import { addKnownBranch } from "./known_branch.ts";
import { type LoadedGraph, loadGraphWith, type LoadOptions } from "./load_graph_with.ts";
import { prepared } from "./prepared.ts";
import type { RuleLookup } from "./rule.ts";

/**
 * Reads a graph into a builder: functions inlined, nodes sorted and brought to operator set 18 or
 * newer, constants made initializers, types inferred. The model is not changed.
 *
 * @throws {OnnxError} For cycles, duplicate or missing values, an operator set that is not known.
 */
export function loadGraph(
  model: ModelProto,
  lookup: RuleLookup,
  options: LoadOptions = {},
): LoadedGraph {
  const parts = { lookup, prepared, inlineFunctions, addKnownBranch };
  return loadGraphWith(parts, model, options);
}

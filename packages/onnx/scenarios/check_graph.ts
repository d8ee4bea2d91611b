/**
 * Checks a graph as a type checker would: every value is made once, before it is read; what is declared
 * is what inference finds; inputs that must have one type have it; attributes exist. Tests run it on
 * every graph that they open.
 *
 * @module
 */
import { loadGraph } from "../graph/load_graph.ts";
import { valueType } from "../graph/load_graph_with.ts";
import { readsOf } from "../graph/topology.ts";
import { unknownAttribute } from "../model/attribute_kinds.ts";
import { nameOf } from "../model/attributes.ts";
import { dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";

/** Inputs of one element type, by operator; all where it is "all". */
const ALIKE: Readonly<Record<string, readonly number[] | "all">> = {
  ...Object.fromEntries(
    ("Add Sub Mul Div Min Max Sum Mean Concat Equal Less Greater LessOrEqual GreaterOrEqual MatMul " +
      "Gemm Mod And Or Xor Conv ConvTranspose PRelu Einsum Range").split(" ").map((
        op,
      ) => [op, "all"]),
  ),
  Where: [1, 2],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  Pad: [0, 2],
  Clip: [0, 1, 2],
};

/** What is wrong with a graph; nothing for one that is sound. */
export function faultsOf(model: ModelProto): string[] {
  const graph = model.graph!;
  const faults: string[] = [];
  const stored = new Set(graph.initializer.map((t) => t.name));
  const made = new Set([...stored, ...graph.input.map((i) => i.name)]);
  for (const sparse of graph.sparseInitializer) made.add(sparse.values?.name ?? "");
  if (stored.size !== graph.initializer.length) faults.push("an initializer is given twice");
  const domains = new Set(model.opsetImport.map((o) => o.domain === "ai.onnx" ? "" : o.domain));
  const functions = new Set(model.functions.map((f) => `${f.domain}:${f.name}`));
  for (const node of graph.node) {
    const what = `${node.opType} "${nameOf(node)}"`;
    if (!domains.has(node.domain === "ai.onnx" ? "" : node.domain)) {
      faults.push(`${what} is of the domain "${node.domain}", which is not imported`);
    }
    for (const name of readsOf(node)) {
      if (!made.has(name)) faults.push(`${what} reads "${name}" before it is made`);
    }
    for (const name of node.output) {
      if (name !== "" && made.has(name)) faults.push(`"${name}" is made again by ${what}`);
      made.add(name);
    }
    const attribute = functions.has(`${node.domain}:${node.opType}`)
      ? undefined
      : unknownAttribute(node);
    if (attribute !== undefined) faults.push(`${what} has no attribute "${attribute}"`);
    const names = node.attribute.map((a) => a.name);
    if (new Set(names).size !== names.length) faults.push(`${what} has an attribute twice`);
  }
  for (const { name } of graph.output) {
    if (!made.has(name)) faults.push(`nothing makes the output "${name}"`);
  }
  return faults.length > 0 ? faults : typeFaults(model);
}

function typeFaults(model: ModelProto): string[] {
  const faults: string[] = [];
  // Without the declarations of what nodes make, so that inference stands alone.
  const bare = model.graph!.output.map(({ name }) => ({ ...model.graph!.output[0]!, name }));
  for (const output of bare) delete output.type;
  const undeclared = { ...model, graph: { ...model.graph!, output: bare, valueInfo: [] } };
  let b: ReturnType<typeof loadGraph>["b"];
  try {
    ({ b } = loadGraph(undeclared, ruleFor));
  } catch (error) {
    // Behind operators without a rule (ONNX Runtime's own gradients) no type is known to compare.
    if (error instanceof OnnxError && /its rank is not known/.test(error.message)) return faults;
    throw error;
  }
  for (const node of b.nodes) {
    const list = node.domain === "" ? ALIKE[node.opType] : undefined;
    const at = list === "all" ? node.input.map((_, k) => k) : list ?? [];
    const types = at.flatMap((k) => b.type(node.input[k] ?? "")?.dataType ?? []);
    if (new Set(types).size > 1) {
      faults.push(
        `${node.opType} "${nameOf(node)}" reads ${types.map(dataTypeName).join(" and ")}`,
      );
    }
  }
  for (const { name, type } of [...model.graph!.output, ...model.graph!.valueInfo]) {
    const [declared, found] = [valueType(type, name), b.type(name)];
    if (declared === undefined || found === undefined) continue;
    if (declared.dataType !== found.dataType) {
      faults.push(
        `"${name}" is declared ${dataTypeName(declared.dataType)}, is ${
          dataTypeName(found.dataType)
        }`,
      );
    }
    const [from, to] = [declared.dims, found.dims];
    if (from === undefined || to === undefined) continue;
    const fits = from.length === to.length &&
      from.every((d, k) => typeof d === "string" || typeof to[k] === "string" || d === to[k]);
    if (!fits) faults.push(`"${name}" is declared [${from}], is [${to}]`);
  }
  return faults;
}

/**
 * Refuses a graph that is not sound.
 *
 * @throws {Error} With every fault.
 */
export function checkGraph(model: ModelProto): void {
  const faults = faultsOf(model);
  if (faults.length > 0) throw new Error(`The graph is not sound: ${faults.join("; ")}`);
}

/** @module */
import * as kinds from "@precond/core/kinds";
import { freshNames, readsOf } from "../graph/topology.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { create } from "../proto/create.ts";
import { type GraphProto, type ModelProto, NodeProto, type TensorProto } from "../proto/onnx_pb.ts";
import { type LoraAdapter, readNotes, withNotes } from "./adapters.ts";
import { findLayers, type FoundLayer } from "./layers.ts";
import { mergedWeight } from "./merged_weight.ts";
import { storedTensors } from "./weights.ts";

/** Options of {@linkcode mergeLora}. */
export interface MergeLoraOptions {
  /**
   * What becomes of adapters beside weights that are quantized or cast, which cannot take them up:
   * "refuse" (default), or "keep" them as they are and merge the others.
   */
  readonly quantized?: "refuse" | "keep";
}

/**
 * The model without adapters whose weights are `W + alpha/rank · AB` (of a convolution `BA` over the
 * channels), which computes the same but for rounding. A weight that other nodes use too stays for
 * these.
 *
 * @returns A new model, which shares the tensors that did not change; the same one if it has no adapters.
 * @throws {OnnxError} For adapters or weights whose values are not in the model, those beside quantized
 *   weights, and a graph in which the adapters are not as addLora() made them.
 *
 * @example
 * ```ts
 * import { mergeLora, readModel, writeModel } from "@precond/onnx";
 *
 * // Of a file that exportModel() of a trainer gave: as large and as fast as the model before.
 * const plain = (trained: Uint8Array) => writeModel(mergeLora(readModel(trained)));
 * ```
 */
export function mergeLora(model: ModelProto, options: MergeLoraOptions = {}): ModelProto {
  kinds.checkOptions("merge adapters", options, { quantized: kinds.oneOf("refuse", "keep") });
  const { quantized = "refuse" } = options;
  const notes = readNotes(model);
  if (notes === undefined) return model;
  const graph = model.graph!;
  const layers = findLayers(model);
  const tensors = storedTensors(graph);
  const change = createChange(graph);
  const merged = new Map<string, TensorProto>();
  const added: TensorProto[] = [];
  const left: LoraAdapter[] = [];
  for (const adapter of notes.adapters) {
    const layer = layerOf(adapter, layers);
    if (!layer.source.exact) {
      if (quantized === "keep") {
        left.push(adapter);
        continue;
      }
      throw new OnnxError(
        `Cannot merge the adapter of "${adapter.name}": its weight "${layer.weight}" is quantized or ` +
          `cast, and rounding would lose what was learnt; keep such adapters with ` +
          `{ quantized: "keep" }`,
        { node: adapter.name },
      );
    }
    const [a, b] = [valuesOf(tensors, adapter.a, adapter), valuesOf(tensors, adapter.b, adapter)];
    for (const { base, output } of adapter.sites) change.detach(base, output, adapter);
    const sole = change.isSole(layer.weight, adapter.sites.map(({ output }) => output));
    const weight = mergedWeight(layer, { a, b, scale: adapter.alpha / adapter.rank });
    if (sole) {
      merged.set(layer.weight, weight);
      continue;
    }
    const name = change.fresh(`${layer.weight}_merged`);
    added.push({ ...weight, name });
    for (const { output } of adapter.sites) change.reroute(output, layer, name);
  }
  const nodes = change.nodes().filter((node) =>
    node.opType !== "Constant" || node.output.every((name) => !merged.has(name))
  );
  const read = new Set([
    ...nodes.flatMap((node) => readsOf(node)),
    ...graph.output.map(({ name }) => name),
  ]);
  const own = new Set(graph.initializer.map(({ name }) => name));
  const used = new Set(graph.node.flatMap((node) => readsOf(node)));
  return {
    ...model,
    metadataProps: withNotes(model, { ...notes, adapters: left }),
    graph: {
      ...graph,
      node: nodes,
      // What only the adapters read goes with them.
      input: graph.input.filter(({ name }) => read.has(name) || !used.has(name)),
      initializer: [
        ...graph.initializer.filter(({ name }) => read.has(name) || !used.has(name))
          .map((tensor) => merged.get(tensor.name) ?? tensor),
        ...[...merged].filter(([name]) => !own.has(name)).map(([, tensor]) => tensor),
        ...added,
      ],
    },
  };
}

function layerOf({ name, kind, sites }: LoraAdapter, layers: readonly FoundLayer[]): FoundLayer {
  const bases = new Set(sites.map(({ base }) => base));
  const found = layers.find((layer) =>
    layer.kind === kind && layer.nodes.some(({ output }) => bases.has(output[0]!))
  );
  if (found !== undefined) return found;
  throw new OnnxError(
    `Cannot merge the adapter of "${name}": the graph has no ${kind} layer that makes "${
      sites[0]?.base
    }"; merge the model as addLora() or a trainer's exportModel() gave it`,
    { node: name },
  );
}

function valuesOf(
  tensors: ReadonlyMap<string, TensorProto>,
  name: string,
  adapter: LoraAdapter,
): TensorProto {
  const found = tensors.get(name);
  if (found !== undefined) return found;
  throw new OnnxError(
    `Cannot merge the adapter of "${adapter.name}": the values of "${name}" are not in the model; ` +
      `merge what a trainer's exportModel() gave`,
    { node: adapter.name },
  );
}

/** Nodes of a graph while adapters are taken out. */
interface Change {
  /** Takes out the sum at a site and what only it needed; the layer's node makes its output again. */
  detach(base: string, output: string, adapter: LoraAdapter): void;
  /** Whether the nodes that make `outputs` are the only ones that a weight goes to. */
  isSole(weight: string, outputs: readonly string[]): boolean;
  /** Gives the node that makes an output another weight. */
  reroute(output: string, layer: FoundLayer, weight: string): void;
  fresh(base: string): string;
  nodes(): NodeProto[];
}

function createChange(graph: GraphProto): Change {
  let nodes = [...graph.node];
  const outputs = graph.output.map(({ name }) => name);
  const fresh = freshNames(graph);
  const makerOf = (name: string) => nodes.find(({ output }) => output.includes(name));
  const isRead = (name: string) =>
    outputs.includes(name) || nodes.some((node) => readsOf(node).includes(name));
  const put = (node: NodeProto, values: Partial<NodeProto>) => {
    const next = { ...node, ...values };
    nodes = nodes.map((other) => other === node ? next : other);
  };
  /** Drops what makes a value that nothing reads any more, and what only that read. */
  const prune = (name: string) => {
    const node = makerOf(name);
    if (node === undefined || node.output.some(isRead)) return;
    nodes = nodes.filter((other) => other !== node);
    node.input.forEach(prune);
  };
  return {
    detach(base, output, { name }) {
      const [layer, sum] = [makerOf(base), makerOf(output)];
      if (layer === undefined || sum?.opType !== "Add" || sum.input[0] !== base) {
        throw new OnnxError(
          `Cannot merge the adapter of "${name}": "${output}" is not the sum of "${base}" and what ` +
            `the adapter adds; merge the model as addLora() or a trainer's exportModel() gave it`,
          { node: name },
        );
      }
      nodes = nodes.filter((node) => node !== sum);
      prune(sum.input[1]!);
      put(layer, { output: [output, ...layer.output.slice(1)] });
    },
    isSole(weight, made) {
      const leads = (value: string): boolean =>
        !outputs.includes(value) && nodes.every((node) => {
          const reads = readsOf(node).filter((name) => name === value).length;
          if (reads === 0 || made.includes(node.output[0]!)) return true;
          return /^(Identity|Transpose)$/.test(node.opType) && leads(node.output[0]!);
        });
      return leads(weight);
    },
    reroute(output, { kind, source }, weight) {
      const node = makerOf(output)!;
      const at = kind === "embedding" ? 0 : 1;
      let name = weight;
      if (source.transposed) {
        name = fresh(`${weight}_transposed`);
        const turn = create(NodeProto, {
          opType: "Transpose",
          name: `${name}/Transpose`,
          input: [weight],
          output: [name],
        });
        nodes.splice(nodes.indexOf(node), 0, turn);
      }
      put(node, { input: node.input.map((input, k) => k === at ? name : input) });
    },
    fresh,
    nodes: () => nodes,
  };
}

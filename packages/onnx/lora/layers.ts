/** @module */
import { exportedParameters } from "../exported/exported_parameters.ts";
import { floatAttribute, intAttribute, nameOf } from "../model/attributes.ts";
import { DataType, isFloating } from "../model/data_type.ts";
import { tensorDims } from "../model/tensor.ts";
import type { GraphProto, ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { headValues } from "./head.ts";
import { nameLayers } from "./layer_names.ts";
import { type FindWeight, storedTensors, type Weight, weightsOf } from "./weights.ts";

/** How a layer uses its weight: a product of matrices, a convolution, rows of a table. */
export type LoraKind = "linear" | "conv" | "embedding";

/** A layer that can have an adapter. */
export interface LoraLayer {
  /**
   * The module: what the file tells of PyTorch's name ("encoder.layer.0.attention.self.query"), from
   * the weight's name, the exporter's notes, the bias's name or the node's path; else the weight's own
   * name.
   */
  readonly name: string;
  /** The operator, such as "MatMul". */
  readonly op: string;
  /** Shape of the weight in the file. */
  readonly shape: readonly number[];
  /** Name of the weight's initializer. */
  readonly weight: string;
  readonly kind: LoraKind;
}

/** A layer with what its adapter must know. */
export interface FoundLayer extends LoraLayer {
  /** The nodes that use the weight in this way. */
  readonly nodes: readonly NodeProto[];
  /** Sizes of what goes in and comes out: in, out; channels and kernel; rows and width. */
  readonly dims: readonly number[];
  readonly source: Weight;
  /** Whether a linear layer's weight is stored `[out, in]`. */
  readonly turned: boolean;
  /** What the node multiplies the product by: alpha of Gemm. */
  readonly factor: number;
  /** Whether what it makes is an output of the model. */
  readonly head: boolean;
  /** Why it cannot have an adapter. */
  readonly refusal: string | undefined;
}

type Raw = Omit<FoundLayer, "name" | "head" | "nodes">;
/** What one kind of layer says of itself. */
type Own =
  & Pick<Raw, "kind" | "shape" | "dims" | "source">
  & Partial<Pick<Raw, "turned" | "factor" | "refusal">>;

/** Every layer that can have an adapter, and those of the kind that cannot, in the graph's order. */
export function findLayers(model: ModelProto): FoundLayer[] {
  const graph = model.graph!;
  const find = weightsOf(graph);
  const groups = new Map<string, { raw: Raw; nodes: NodeProto[] }>();
  for (const node of graph.node) {
    const own = layerOf(node, find);
    if (own === undefined) continue;
    const raw: Raw = {
      op: node.opType,
      weight: own.source.tensor.name,
      turned: false,
      factor: 1,
      refusal: undefined,
      ...own,
    };
    const key = [raw.kind, raw.weight, raw.source.dataType, raw.turned, raw.factor].join(" ");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { raw, nodes: [node] });
    else group.nodes.push(node);
  }
  const found = [...groups.values()];
  const biasOf = biasesOf(graph);
  const names = nameLayers(
    found.map(({ raw, nodes: [node] }) => ({
      weight: raw.weight,
      node: node!,
      bias: raw.kind === "embedding" ? undefined : biasOf(node!),
    })),
    exportedParameters(model),
  );
  const heads = headValues(graph);
  return found.map(({ raw, nodes }, k) => ({
    ...raw,
    nodes,
    name: names[k]!,
    head: nodes.some((node) => heads.has(node.output[0]!)),
  }));
}

/** Finds the stored vector that a node, or an Add behind it, adds to its product. */
function biasesOf(graph: GraphProto): (node: NodeProto) => string | undefined {
  const stored = storedTensors(graph);
  const sums = new Map(
    graph.node.filter(({ opType, domain }) => opType === "Add" && domain === "")
      .flatMap(({ input: [left, right] }) => [[left, right], [right, left]]),
  );
  return (node) => {
    const own = /^(Gemm|Conv)$/.test(node.opType) ? node.input[2] : undefined;
    const bias = own ?? sums.get(node.output[0]);
    return bias !== undefined && stored.has(bias) ? bias : undefined;
  };
}

function layerOf(node: NodeProto, find: FindWeight): Own | undefined {
  const standard = node.domain === "" || node.domain === "ai.onnx";
  if (node.domain === "com.microsoft" && node.opType === "MatMulNBits") return packed(node, find);
  if (node.domain === "com.microsoft" && node.opType === "GatherBlockQuantized") {
    return packedTable(node, find);
  }
  if (!standard) return undefined;
  switch (node.opType) {
    case "MatMul":
      return linear(node, find, { turned: false, factor: 1 });
    case "Gemm":
      return linear(node, find, {
        turned: intAttribute(node, "transB", 0) !== 0,
        factor: floatAttribute(node, "alpha", 1),
      });
    case "Conv":
      return convolution(node, find);
    case "Gather":
      return embedding(node, find);
    default:
      return undefined;
  }
}

function linear(
  node: NodeProto,
  find: FindWeight,
  { turned: outer, factor }: { readonly turned: boolean; readonly factor: number },
): Own | undefined {
  const source = find(node.input[1] ?? "");
  const shape = source && tensorDims(source.tensor);
  if (source === undefined || shape?.length !== 2 || !isFloating(source.dataType)) return undefined;
  const turned = outer !== source.transposed;
  const [rows, columns] = shape as [number, number];
  return {
    kind: "linear",
    shape,
    dims: turned ? [columns, rows] : [rows, columns],
    source,
    turned,
    factor,
    refusal: factor === 0 ? "its alpha is 0, so that its weight has no effect" : undefined,
  };
}

function packed(node: NodeProto, find: FindWeight): Own | undefined {
  const [source, scales] = [find(node.input[1] ?? ""), find(node.input[2] ?? "")];
  const [K, N] = [intAttribute(node, "K", 0), intAttribute(node, "N", 0)];
  if (source === undefined || scales === undefined || K === 0 || N === 0) return undefined;
  return {
    kind: "linear",
    shape: [N, K],
    dims: [K, N],
    source: { ...source, dataType: scales.dataType, exact: false },
    turned: true,
  };
}

function packedTable(node: NodeProto, find: FindWeight): Own | undefined {
  const [source, scales] = [find(node.input[0] ?? ""), find(node.input[2] ?? "")];
  const stored = source && tensorDims(source.tensor);
  if (source === undefined || scales === undefined || stored?.length !== 2) return undefined;
  const [rows, bytes] = stored as [number, number];
  const each = source.tensor.dataType === DataType.UINT8 ? 8 / intAttribute(node, "bits", 4) : 1;
  const shape = [rows, bytes * each];
  const axis = intAttribute(node, "gather_axis", 0);
  return {
    kind: "embedding",
    shape,
    dims: shape,
    source: { ...source, dataType: scales.dataType, exact: false },
    refusal: axis === 0 || axis === -2 ? undefined : columnsRefused(node, axis),
  };
}

const columnsRefused = (node: NodeProto, axis: number) =>
  `"${nameOf(node)}" takes columns (axis ${axis}) of its table, expected are rows`;

function convolution(node: NodeProto, find: FindWeight): Own | undefined {
  const source = find(node.input[1] ?? "");
  if (source === undefined || source.transposed || !isFloating(source.dataType)) return undefined;
  const shape = tensorDims(source.tensor);
  if (shape.length < 3) return undefined;
  const groups = intAttribute(node, "group", 1);
  return {
    kind: "conv",
    shape,
    dims: shape,
    source,
    refusal: groups === 1
      ? undefined
      : `it has ${groups} groups, over which an adapter's channels would mix; leave it out by a ` +
        `predicate, such as ({ shape }) => shape[1] !== ${shape[1]}`,
  };
}

function embedding(node: NodeProto, find: FindWeight): Own | undefined {
  const source = find(node.input[0] ?? "");
  if (source === undefined || source.transposed || !isFloating(source.dataType)) return undefined;
  const shape = tensorDims(source.tensor);
  if (shape.length !== 2) return undefined;
  const axis = intAttribute(node, "axis", 0);
  return {
    kind: "embedding",
    shape,
    dims: shape,
    source,
    refusal: axis === 0 || axis === -2 ? undefined : columnsRefused(node, axis),
  };
}

/** @module */
import { intAttribute } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { leavesOf, type LoraSite } from "./adapters.ts";
import { kaimingUniform, seedOf, standardNormal } from "./initial.ts";
import type { FoundLayer } from "./layers.ts";
import type { Parts } from "./parts.ts";

/** An adapter that was made. */
export interface Attached {
  readonly a: string;
  readonly b: string;
  readonly sites: readonly LoraSite[];
  /** What stands for each node of the layer. */
  readonly nodes: ReadonlyMap<NodeProto, readonly NodeProto[]>;
}

/** Makes the adapter of a layer: its tensors, and nodes beside each of the layer's. */
export function attach(
  layer: FoundLayer,
  parts: Parts,
  options: { readonly rank: number; readonly seed: number },
): Attached {
  const { source, name, kind } = layer;
  // Of 16 bits the adapters would lose what small steps add.
  const dataType = source.dataType === DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
  const [first, second] = shapesOf(layer, options.rank);
  const [aSize, bSize] = [first, second].map((dims) => dims.reduce((x, y) => x * y, 1)) as [
    number,
    number,
  ];
  const seed = seedOf(options.seed, name);
  const isTable = kind === "embedding";
  const [leafA, leafB] = leavesOf(kind);
  const fanIn = kind === "conv" ? aSize / options.rank : first[0]!;
  const a = parts.store(
    `${name}.${leafA}`,
    dataType,
    first,
    isTable ? new Float32Array(aSize) : kaimingUniform(aSize, fanIn, seed),
  );
  const b = parts.store(
    `${name}.${leafB}`,
    dataType,
    second,
    isTable ? standardNormal(bSize, seed) : new Float32Array(bSize),
  );
  const sites: LoraSite[] = [];
  const nodes = new Map(layer.nodes.map((node): [NodeProto, readonly NodeProto[]] => {
    const output = node.output[0]!;
    const base = parts.fresh(`${output}_base`);
    sites.push({ base, output });
    const renamed = {
      ...node,
      output: [base, ...node.output.slice(1)],
    };
    const path = pathOf(node, layer, parts, { a, b, dataType });
    const sum = parts.node("Add", [base, path.at(-1)!.output[0]!], {}, output);
    return [node, [renamed, ...path, sum]];
  }));
  return { a, b, sites, nodes };
}

/** Shapes of A and B. */
export function shapesOf(
  { kind, dims }: Pick<FoundLayer, "kind" | "dims">,
  rank: number,
): [number[], number[]] {
  const [first, second] = dims as [number, number];
  if (kind !== "conv") return [[first, rank], [rank, second]];
  const kernel = dims.slice(2);
  return [[rank, second, ...kernel], [first, rank, ...kernel.map(() => 1)]];
}

/** The nodes from a layer's input to what is added. */
function pathOf(
  node: NodeProto,
  { kind, source }: FoundLayer,
  parts: Parts,
  { a, b, dataType }: {
    readonly a: string;
    readonly b: string;
    readonly dataType: DataType;
  },
): NodeProto[] {
  const nodes: NodeProto[] = [];
  let value = node.input[kind === "embedding" ? 1 : 0]!;
  const then = (...[opType, inputs, attributes]: Parameters<Parts["node"]>) => {
    const next = parts.node(opType, inputs, attributes);
    nodes.push(next);
    value = next.output[0]!;
  };
  if (kind === "embedding") {
    then("Gather", [a, value], { axis: 0 });
  } else {
    if (source.dataType !== dataType) then("Cast", [value], { to: dataType });
    const dropped = parts.dropout(dataType);
    if (dropped !== undefined) then("Dropout", [value, ...dropped]);
    if (kind === "conv") {
      then("Conv", [value, a]);
      // Kernel, strides, padding and dilations are the layer's.
      nodes.at(-1)!.attribute.push(...node.attribute);
    } else {
      const turned = node.opType === "Gemm" && intAttribute(node, "transA", 0) !== 0;
      if (turned) then("Transpose", [value], { perm: [1, 0] });
      then("MatMul", [value, a]);
    }
  }
  const scale = parts.scale(dataType);
  if (scale !== undefined) then("Mul", [value, scale]);
  then(kind === "conv" ? "Conv" : "MatMul", [value, b]);
  if (source.dataType !== dataType) then("Cast", [value], { to: source.dataType });
  return nodes;
}

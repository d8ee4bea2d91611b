/** @module */
import type { Builder } from "../../graph/builder.ts";
import { readersIn } from "../../graph/topology.ts";
import { intAttribute, makeAttribute } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import { makeTensor } from "../../model/tensor.ts";
import { create } from "../../proto/create.ts";
import { NodeProto, type TensorProto } from "../../proto/onnx_pb.ts";

/** Operators that give out their input's texture as it lies. */
const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/** Operators that read by coordinates, for which it does not matter how a texture lies. */
const BY_COORDINATES =
  /^(Reshape|Squeeze|Unsqueeze|Flatten|MatMul|Gemm|Transpose|Reduce.*|Concat|Slice|MaxPool|Gather|ConvTranspose|Conv)$/;

const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): NodeProto =>
  create(NodeProto, {
    opType,
    name: `${output[0]}/${opType}`,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });

/** What {@linkcode textured} adds to a graph. */
export interface Textured {
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
}

/**
 * The same nodes around three faults of the provider (onnxruntime-web 1.30):
 *
 * - operators that read two textures alike, point by point, take the texture of a Reshape for one
 *   that lies as its shape says, which it does not: such views are multiplied by 1, which reads by
 *   coordinates and writes a texture of its own. So are copies, which its optimizer drops even where
 *   they are outputs.
 * - an ungrouped Conv reads its weights from a texture of its own kind, and from any other texture of
 *   theirs as if it were of that kind: weights that are computed or have other readers are read by
 *   the grouped Conv, with two groups that see the same channels.
 * - the texture of an initializer is kept from run to run, that of its Reshape, which is the same one,
 *   is given away after a run: later runs would read other numbers in the initializer. What is
 *   reshaped is a product with 1, too.
 *
 * @param stored Initializers and constants of the model.
 */
export function textured(
  nodes: readonly NodeProto[],
  b: Builder,
  stored: ReadonlySet<string>,
): Textured {
  const one = "webgl_one";
  const constants: TensorProto[] = [];
  const result: NodeProto[] = [];
  const readers = readersIn(nodes);
  const made = new Set(nodes.flatMap((n) => n.output));
  const useOne = () => {
    if (!stored.has(one) && !constants.some((t) => t.name === one)) {
      constants.push(makeTensor(one, DataType.FLOAT, [], new Float32Array([1])));
    }
    return one;
  };
  for (const each of nodes) {
    const [output] = each.output as [string];
    const n = VIEWS.has(each.opType) && stored.has(each.input[0]!)
      ? { ...each, input: [`${output}_stored`, ...each.input.slice(1)] }
      : each;
    if (n !== each) result.push(node("Mul", [each.input[0]!, useOne()], [n.input[0]!]));
    if (n.opType === "Identity") {
      result.push(node("Mul", [n.input[0]!, useOne()], [output]));
    } else if (
      VIEWS.has(n.opType) &&
      (readers.get(output) ?? []).some((r) =>
        !BY_COORDINATES.test(r.opType) || (r.opType.startsWith("Conv") && r.input[0] !== output)
      )
    ) {
      const view = `${output}_view`;
      result.push({ ...n, output: [view] }, node("Mul", [view, useOne()], [output]));
    } else if (
      n.opType === "Conv" && intAttribute(n, "group", 1) === 1 &&
      (made.has(n.input[1]!) || readers.get(n.input[1]!)!.length > 1)
    ) {
      result.push(...inTwoGroups(n, b, constants));
    } else result.push(n);
  }
  return { nodes: result, constants };
}

function inTwoGroups(n: NodeProto, b: Builder, constants: TensorProto[]): NodeProto[] {
  const [x, w, bias] = n.input as [string, string, string | undefined];
  const [output] = n.output as [string];
  const weight = b.type(w)!.dims as readonly number[];
  const [filters] = weight as [number];
  const attribute = [
    ...n.attribute.filter((a) => a.name !== "group"),
    makeAttribute("group", 2),
  ];
  const twice = `${output}_twice`;
  const added = [node("Concat", [x, x], [twice], { axis: 1 })];
  if (filters % 2 === 0) {
    return [...added, { ...n, input: [twice, ...n.input.slice(1)], attribute }];
  }
  // One filter of zeros more, whose result is cut off.
  const extra = (name: string, dims: readonly number[]) => {
    constants.push(
      makeTensor(name, DataType.FLOAT, dims, new Float32Array(dims.reduce((a, d) => a * d, 1))),
    );
    return name;
  };
  const even = `${output}_weights`;
  added.push(
    node("Concat", [w, extra(`${even}_zero`, [1, ...weight.slice(1)])], [even], { axis: 0 }),
  );
  const input = [twice, even];
  if (bias !== undefined && bias !== "") {
    added.push(node("Concat", [bias, extra(`${even}_bias`, [1])], [`${even}_biases`], { axis: 0 }));
    input.push(`${even}_biases`);
  }
  const all = `${output}_all`;
  return [
    ...added,
    { ...n, input, output: [all], attribute },
    node("Split", [all], [output, `${output}_rest`], { axis: 1, split: [filters, 1] }),
  ];
}

/** @module */
import { sameDims } from "../../graph/dims.ts";
import type { NodeContext } from "../../graph/rule.ts";
import { intsAttribute } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";

/** The value whose last two axes a factor has exchanged, where it was transposed before. */
function before({ b, node }: NodeContext, k: number): string | undefined {
  const made = b.producer(node.input[k]!);
  if (made?.opType !== "Transpose" || made.domain !== "") return undefined;
  const from = made.input[0]!;
  const again = b.producer(from);
  if (again?.opType !== "Transpose" || again.domain !== "") return undefined;
  const perm = intsAttribute(made, "perm", undefined) ?? [];
  const rank = perm.length;
  const exchanged = rank > 2 &&
    perm.every((p, axis) => p === (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return exchanged ? from : undefined;
}

/**
 * A product of batches with a factor that is transposed for the second time, as gradients of attention
 * have them: a flag of FusedMatMul. ONNX Runtime would merge both into one more copy of the factor,
 * before it could make the second a flag itself.
 */
export function transposedFactors(n: NodeContext): boolean {
  const { b, node } = n;
  const [x, y] = [n.dims(0), n.dims(1)];
  if (x === undefined || y === undefined || n.type(0)?.dataType !== DataType.FLOAT) return false;
  const [batch, rows, columns] = [x.slice(0, -2), x.at(-2), y.at(-1)];
  if (rows === undefined || columns === undefined || !sameDims(batch, y.slice(0, -2))) return false;
  const [left, right] = [before(n, 0), before(n, 1)];
  if (left === undefined && right === undefined) return false;
  b.node("FusedMatMul", [left ?? node.input[0], right ?? node.input[1]], {
    transA: left === undefined ? undefined : 1,
    transB: right === undefined ? undefined : 1,
  }, { outputs: node.output, domain: "com.microsoft" });
  b.declare(node.output[0]!, { dataType: DataType.FLOAT, dims: [...batch, rows, columns] });
  return true;
}

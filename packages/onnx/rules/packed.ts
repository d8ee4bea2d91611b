/** @module */
import { axisOf, DataType, product, sameDims, sumTo } from "./shared/mod.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/**
 * `y = x Wᵀ + bias` of integers in blocks, W `[N, K]`: `∂x = ∂y W`. W is frozen, and made of the integers
 * only when ∂y is there: a step keeps no float copy of it.
 */
const matMulNBits: OperatorRule = {
  opType: "MatMulNBits",
  domain: "com.microsoft",
  since: 1,
  constants: [1, 2, 3, 4],
  infer: (n) => {
    const x = n.type(0);
    if (x === undefined) return [];
    return [{ dataType: x.dataType, dims: x.dims && [...x.dims.slice(0, -1), n.int("N", 0)] }];
  },
  gradient: (n) => {
    if ([2, 3].some((k) => n.wants(k))) {
      n.refuse("differentiate", "scales and zero points of packed weights are frozen");
    }
    const dy = n.cotangent();
    return [
      n.wants(0) ? n.b.op("MatMul", [dy, unpacked(n, dy)]) : undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      n.wants(5) ? sumTo(n.b, dy, n.input(5)!) : undefined,
    ];
  },
};

/** W as floats `[N, K]`. */
function unpacked(n: GradientContext, dy: string): string {
  const { b } = n;
  const [K, N, bits] = [n.int("K", 0), n.int("N", 0), n.int("bits", 4)];
  const block = n.int("block_size", 0);
  if (bits !== 4 && bits !== 8) {
    n.refuse("differentiate", `its weights have ${bits} bits, expected are 4 or 8`);
  }
  const blocks = Math.ceil(K / block);
  const perRow = Math.ceil(blocks * bits / 8);
  // ONNX Runtime would otherwise compute W beforehand, once and for all, and keep it.
  const late = zeroFrom(n, dy);
  const shaped = (value: string, columns: number) =>
    b.op("Reshape", [value, b.op("Add", [b.ints([N, columns]), late])]);
  // Of these it wants the shapes beforehand.
  const asMatrix = (value: string, columns: number) =>
    sameDims(b.type(value)?.dims, [N, columns])
      ? value
      : b.op("Reshape", [value, b.ints([N, columns])]);
  const zero = n.input(3);
  if (zero !== undefined && b.dataType(zero) !== DataType.UINT8) {
    n.refuse("differentiate", "its zero points are floats, expected are packed integers");
  }
  const order = n.input(4);
  if (order !== undefined && zero !== undefined) {
    n.refuse(
      "differentiate",
      "its columns are in another order (g_idx), with which ONNX Runtime's CPU kernel leaves out zero points; quantize without zero points",
    );
  }
  // Without zero points the middle of the range stands for 0.
  const middle = bits === 4 ? 0x88 : 0x80;
  const zeros = zero === undefined
    ? b.constant(new Array(N * perRow).fill(middle), DataType.UINT8, [N, perRow])
    : asMatrix(zero, perRow);
  const scales = asMatrix(n.input(2)!, blocks);
  const dataType = b.dataType(n.input(2)!)!;
  const rows = b.op("Add", [b.ints(Array.from({ length: N }, (_, k) => k)), late]);
  const [table] = b.node(
    "GatherBlockQuantized",
    [
      shaped(n.input(1)!, blocks * block * bits / 8),
      rows,
      // Scales of another order come after it.
      order === undefined
        ? scales
        : b.constant(new Array(N * blocks).fill(1), dataType, [N, blocks]),
      zeros,
    ],
    { gather_axis: 0, quantize_axis: 1, block_size: block, bits },
    {
      outputs: 1,
      domain: "com.microsoft",
    },
  );
  const whole = blocks * block;
  b.declare(table!, { dataType, dims: [N, whole] });
  const firstOf = (value: string, axis: number) =>
    b.op("Slice", [value, b.ints([0]), b.ints([K]), b.ints([axis])]);
  const columns = whole === K ? table! : firstOf(table!, 1);
  if (order === undefined) return columns;
  // Column k belongs to the block g_idx[k]: W[:, k] = (q[:, k] − middle) scale[:, g_idx[k]].
  const groups = b.op("Add", [b.op("Cast", [firstOf(order, 0)], { to: DataType.INT64 }), late]);
  return b.op("Mul", [columns, b.op("Gather", [scales, groups], { axis: 1 })]);
}

/**
 * Rows of a table of integers in blocks, as floats. The table is frozen, and indices have no gradient:
 * what is trained comes after it, or beside it.
 */
const gatherBlockQuantized: OperatorRule = {
  opType: "GatherBlockQuantized",
  domain: "com.microsoft",
  since: 1,
  constants: [0, 2, 3],
  infer: (n) => {
    const [table, indices] = [n.dims(0), n.dims(1)];
    const { dataType } = n.type(2) ?? {};
    if (table === undefined || indices === undefined || dataType === undefined) return [];
    const gathered = axisOf(n, n.int("gather_axis", 0), table.length);
    const blocked = axisOf(n, n.int("quantize_axis", 1), table.length);
    const bits = n.int("bits", 4);
    if (bits !== 4 && bits !== 8) {
      n.refuse("read", `its integers have ${bits} bits, expected are 4 or 8`);
    }
    // Bytes hold two integers of 4 bits.
    const each = n.type(0)!.dataType === DataType.UINT8 ? 8 / bits : 1;
    const dims = table.map((size, axis) => axis === blocked ? product([size, each]) : size);
    return [{
      dataType,
      dims: [...dims.slice(0, gathered), ...indices, ...dims.slice(gathered + 1)],
    }];
  },
  gradient: (n) => {
    if (n.wants(2)) n.refuse("differentiate", "the scales of a packed table are frozen");
    return [];
  },
};

/** An int64 0 that is only known when a value is. */
function zeroFrom(n: GradientContext, value: string): string {
  const { b } = n;
  const first = b.op("Slice", [
    b.op("Reshape", [value, b.ints([-1])]),
    b.ints([0]),
    b.ints([1]),
  ]);
  const wide = b.dataType(value) === DataType.FLOAT
    ? first
    : b.op("Cast", [first], { to: DataType.FLOAT });
  const is = b.op("Less", [wide, b.constant([0], DataType.FLOAT, [])]);
  const never = b.op("And", [is, b.op("Not", [is])]);
  const zero = b.op("Cast", [never], { to: DataType.INT64 });
  // Of no elements it is 0, too.
  return b.op("ReduceSum", [zero, b.ints([0])], { keepdims: 0 });
}

/** Weights that ONNX Runtime keeps packed. */
export const packedWeights: readonly OperatorRule[] = [matMulNBits, gatherBlockQuantized];

/** @module */
import {
  asScalar,
  DataType,
  type Dim,
  isFloating,
  isStatic,
  likeFirst,
  mul,
  numbersOf,
  reduceSum,
  shapeOf,
  tensorAttribute,
  tensorIntegers,
  unknownDims,
} from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** Contents longer than this are not followed: shapes are short. */
const LONGEST_KNOWN = 64;

/** One value everywhere, in a given shape. */
const constantOfShape: OperatorRule = {
  opType: "ConstantOfShape",
  since: 9,
  infer: (n) => {
    const dataType = tensorAttribute(n.node, "value")?.dataType ?? DataType.FLOAT;
    const target = n.input(0)!;
    const known = n.b.known(target);
    if (known?.some((d) => typeof d === "number" && d < 0)) {
      n.refuse("read", `the shape is [${known}]`);
    }
    return [{ dataType, dims: known ?? unknownDims(n.b, n.b.type(target)?.dims?.[0]) }];
  },
  evaluate: (n) => {
    const [target, value] = [numbersOf(n, 0), tensorAttribute(n.node, "value")];
    if (target === undefined || value === undefined || isFloating(value.dataType)) return undefined;
    const length = target[0] ?? 1;
    if (target.length > 1 || !(length >= 0 && length <= LONGEST_KNOWN)) return undefined;
    return Array.from({ length }, () => tensorIntegers(value)[0] ?? 0);
  },
  gradient: "none",
};

/** `y_i = start + i delta`: ∂y_i/∂start = 1, ∂y_i/∂delta = i; the limit only sets the length. */
const range: OperatorRule = {
  opType: "Range",
  since: 11,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const limits = [0, 1, 2].map((k) => numbersOf(n, k)?.[0]);
    const [start, limit, delta] = limits;
    if (start !== undefined && limit !== undefined && delta !== undefined) {
      if (delta === 0) n.refuse("read", "delta is 0");
      const length = Math.max(0, Math.ceil((limit - start) / delta));
      return [{ dataType: type.dataType, dims: [length] }];
    }
    // Range(0, N, 1) has N elements, where N is a symbol too.
    const to = n.b.known(n.input(1)!)?.[0];
    const counts = start === 0 && delta === 1 && to !== undefined;
    return [{ dataType: type.dataType, dims: [counts ? to : n.b.freshDim()] }];
  },
  evaluate: (n) => {
    const [start, delta] = [numbersOf(n, 0)?.[0], numbersOf(n, 2)?.[0]];
    const length = n.b.type(n.node.output[0]!)?.dims?.[0];
    if (start === undefined || delta === undefined || typeof length !== "number") return undefined;
    if (length > LONGEST_KNOWN) return undefined;
    return Array.from({ length }, (_, i) => start + i * delta);
  },
  gradient: (n) => {
    const { b } = n;
    const dy = n.cotangent();
    const scalarSum = (x: string) => reduceSum(b, x, [0], false);
    const steps = () => {
      const length = asScalar(b, shapeOf(b, dy));
      const zero = b.constant([0], DataType.INT64, []);
      const one = b.constant([1], DataType.INT64, []);
      return b.op("Cast", [b.op("Range", [zero, length, one])], { to: b.dataType(dy) });
    };
    return [
      n.wants(0) ? scalarSum(dy) : undefined,
      undefined,
      n.wants(2) ? scalarSum(mul(b, dy, steps())) : undefined,
    ];
  },
};

/** The coordinates of the elements that are not zero. */
const nonZero: OperatorRule = {
  opType: "NonZero",
  since: 9,
  infer: (n) => {
    const rank: Dim = n.dims(0)?.length ?? n.b.freshDim();
    return [{ dataType: DataType.INT64, dims: [rank, n.b.freshDim()] }];
  },
  gradient: "none",
};

/** Ones on a diagonal. */
const eyeLike: OperatorRule = {
  opType: "EyeLike",
  since: 9,
  infer: likeFirst,
  gradient: "none",
};

/** The number of elements: an integer. */
const size: OperatorRule = {
  opType: "Size",
  since: 7,
  infer: () => [{ dataType: DataType.INT64, dims: [] }],
  evaluate: (n) => {
    const dims = n.dims(0);
    return isStatic(dims) ? [dims.reduce((a, d) => a * d, 1)] : undefined;
  },
  gradient: "none",
};

/** Values made from shapes and counts. */
export const fills: readonly OperatorRule[] = [constantOfShape, range, nonZero, eyeLike, size];

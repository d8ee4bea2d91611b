/** @module */
import {
  type Dim,
  dimOf,
  numbersOf,
  product,
  quotient,
  reduceSum,
  reshapeLike,
  sameType,
  shapeOf,
} from "./shared/mod.ts";
import { vectorOf } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** Copies side by side along each axis: the gradient is summed over the copies. */
const tile: OperatorRule = {
  opType: "Tile",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    const repeats = n.b.known(n.input(1)!);
    if (dims === undefined) return [{ dataType }];
    if (repeats === undefined) return [{ dataType, dims: dims.map(() => n.b.freshDim()) }];
    if (repeats.length !== dims.length || repeats.some((r) => typeof r === "number" && r < 0)) {
      n.refuse("repeat in", `repeats [${repeats}] for shape [${dims}]`);
    }
    return [{ dataType, dims: dims.map((d, k) => product([d, repeats[k]!])) }];
  },
  evaluate: (n) => {
    const [values, repeats] = [n.b.known(n.input(0)!), numbersOf(n, 1)];
    if (values === undefined || repeats?.length !== 1 || repeats[0]! * values.length > 64) {
      return undefined;
    }
    return Array.from({ length: repeats[0]! }, () => values).flat();
  },
  gradient: (n) => {
    const { b } = n;
    const [x, dy] = [n.input(0)!, n.cotangent()];
    const dims = b.dims(x);
    const repeats = numbersOf(n, 1);
    if (repeats === undefined) {
      // [r₀, r₁, …] and [d₀, d₁, …] to [r₀, d₀, r₁, d₁, …].
      const column = (v: string) => b.op("Unsqueeze", [v, b.ints([1])]);
      const pairs = b.op("Concat", [column(n.input(1)!), column(shapeOf(b, x))], { axis: 1 });
      const apart = b.op("Reshape", [dy, b.op("Reshape", [pairs, b.ints([-1])])]);
      return [reshapeLike(b, reduceSum(b, apart, dims.map((_, k) => 2 * k), false), x)];
    }
    const sizes: (number | string)[] = [];
    const copies: number[] = [];
    dims.forEach((d, k) => {
      if (repeats[k] !== 1) copies.push(sizes.push(repeats[k]!) - 1);
      sizes.push(typeof d === "number" ? d : dimOf(b, x, k));
    });
    if (copies.length === 0) return [dy];
    const apart = b.op("Reshape", [dy, vectorOf(b, sizes)], {
      allowzero: sizes.includes(0) ? 1 : undefined, // else 0 means "as before"
    });
    return [reshapeLike(b, reduceSum(b, apart, copies, false), x)];
  },
};

/** The upper or lower triangle of matrices: the gradient's. */
const trilu: OperatorRule = {
  opType: "Trilu",
  since: 14,
  infer: sameType,
  gradient: (n) => [n.b.op("Trilu", [n.cotangent(), n.input(1)], { upper: n.int("upper", 1) })],
};

/** Pixels from channels, in blocks of b × b: the gradient goes back. */
const depthToSpace: OperatorRule = {
  opType: "DepthToSpace",
  since: 7,
  infer: (n) =>
    blocks(n, (channels, size) => quotient(channels, size * size), (d, size) => product([d, size])),
  gradient: (n) => {
    const blocksize = n.int("blocksize", 1);
    if (n.string("mode", "DCR") === "DCR") {
      return [n.b.op("SpaceToDepth", [n.cotangent()], { blocksize })];
    }
    return [columnsBack(n, blocksize)];
  },
};

/** Channels from pixels, in blocks of b × b: the gradient goes back. */
const spaceToDepth: OperatorRule = {
  opType: "SpaceToDepth",
  since: 7,
  infer: (n) => blocks(n, (channels, size) => product([channels, size * size]), quotient),
  gradient: (n) => [
    n.b.op("DepthToSpace", [n.cotangent()], { blocksize: n.int("blocksize", 1), mode: "DCR" }),
  ],
};

function blocks(
  n: NodeContext,
  channels: (d: Dim, size: number) => Dim | undefined,
  space: (d: Dim, size: number) => Dim | undefined,
) {
  const type = n.type(0);
  if (type === undefined) return [];
  const { dataType, dims } = type;
  if (dims === undefined) return [{ dataType }];
  if (dims.length !== 4) n.refuse("rearrange in", `shape [${dims}], expected rank 4`);
  const size = n.int("blocksize", 1);
  const [batch, ...rest] = dims;
  const found = rest.map((d, k) => {
    const to = k === 0 ? channels(d, size) : space(d, size);
    if (to === undefined && typeof d === "number") {
      n.refuse("rearrange in", `shape [${dims}] does not divide into blocks of ${size}`);
    }
    return to ?? n.b.freshDim();
  });
  return [{ dataType, dims: [batch!, ...found] }];
}

/** The inverse of DepthToSpace in mode CRD, for which SpaceToDepth has no name. */
function columnsBack(n: GradientContext, size: number): string {
  const { b } = n;
  const [x, dy] = [n.input(0)!, n.cotangent()];
  const [batch, , height, width] = b.dims(x);
  const at = (d: Dim, k: number) => typeof d === "number" ? d : dimOf(b, x, k);
  const shape = vectorOf(b, [at(batch!, 0), -1, at(height!, 2), size, at(width!, 3), size]);
  const apart = b.op("Reshape", [dy, shape]);
  return reshapeLike(b, b.op("Transpose", [apart], { perm: [0, 1, 3, 5, 2, 4] }), x);
}

/** Copies, triangles, blocks in another order. */
export const structure: readonly OperatorRule[] = [
  tile,
  trilu,
  depthToSpace,
  spaceToDepth,
];

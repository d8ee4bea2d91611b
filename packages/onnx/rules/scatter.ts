/** @module */
import { axisOf, expandLike, reshapeLike, sameType, zerosLike } from "./shared/mod.ts";
import { fromStartAlong, rowsAt } from "./shared/places.ts";
import {
  ofExtreme,
  ofProduct,
  type ScatterGradients,
  type Scattering,
} from "./shared/scatter_reductions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** How updates that meet data enter: by their reduction, for those that multiply or compete. */
const REDUCTIONS = { mul: ofProduct, max: ofExtreme, min: ofExtreme };

type Reduction = "none" | "add" | keyof typeof REDUCTIONS;

function reductionOf(n: NodeContext): Reduction {
  const reduction = n.string("reduction", "none");
  if (reduction !== "none" && reduction !== "add" && !Object.hasOwn(REDUCTIONS, reduction)) {
    n.refuse("differentiate", `reduction "${reduction}" is not known`);
  }
  return reduction as Reduction;
}

/**
 * Gradients of data and updates: replaced data have none, updates are found where they went; for the
 * reductions that need more, the node as a ScatterElements.
 */
function scatterGradients(
  n: GradientContext,
  { erase, take, scattering }: {
    readonly erase: (dy: string, zeros: string) => string;
    readonly take: (dy: string) => string;
    readonly scattering: (dy: string) => Scattering;
  },
): readonly (string | undefined)[] {
  const { b } = n;
  const dy = n.cotangent();
  const reduction = reductionOf(n);
  const { data, updates }: ScatterGradients = reduction === "none" || reduction === "add"
    ? {
      data: () => reduction === "add" ? dy : erase(dy, zerosLike(b, n.input(2)!)),
      updates: () => take(dy),
    }
    : REDUCTIONS[reduction](b, scattering(dy));
  return [
    n.wants(0) ? reshapeLike(b, data(), n.input(0)!) : undefined,
    undefined,
    n.wants(2) ? reshapeLike(b, updates(), n.input(2)!) : undefined,
  ];
}

/** `y[index[i, j], j] = u[i, j]` (or `+=`, `*=`, max, min) along an axis, elsewhere `x`. */
const scatterElements: OperatorRule = {
  opType: "ScatterElements",
  since: 11,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const [x, at, u] = [n.input(0)!, n.input(1)!, n.input(2)!];
    const axis = n.int("axis", 0);
    return scatterGradients(n, {
      erase: (dy, zeros) => b.op("ScatterElements", [dy, at, zeros], { axis }),
      take: (dy) => b.op("GatherElements", [dy, at], { axis }),
      scattering: (dy) => {
        const along = axisOf(n, axis, b.dims(x).length);
        const places = () => fromStartAlong(b, at, x, along);
        return { x, u, at, places, axis: along, y: n.outputs[0]!, dy };
      },
    });
  },
};

/** The older name of ScatterElements. */
const scatter: OperatorRule = {
  opType: "Scatter",
  since: 9,
  upgrade: (n) => {
    n.b.node("ScatterElements", n.node.input, { axis: n.int("axis", 0) }, {
      outputs: n.node.output,
    });
    return true;
  },
};

/**
 * `y[index[i…, :]] = u[i…]` (or `+=`, `*=`, max, min) with coordinates in the index's last axis,
 * elsewhere `x`.
 */
const scatterND: OperatorRule = {
  opType: "ScatterND",
  since: 11,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const [x, at, u] = [n.input(0)!, n.input(1)!, n.input(2)!];
    return scatterGradients(n, {
      erase: (dy, zeros) => b.op("ScatterND", [dy, at, zeros]),
      take: (dy) => b.op("GatherND", [dy, at]),
      scattering: (dy) => {
        const depth = b.dims(at).at(-1);
        if (typeof depth !== "number") {
          return n.refuse("differentiate", "how many coordinates its indices hold is not known");
        }
        const rows = rowsAt(b, x, at, depth);
        const updates = rows.updates(u);
        return {
          x: rows.matrix(x),
          u: updates,
          at: expandLike(b, rows.indices, updates),
          places: rows.places,
          axis: 0,
          y: rows.matrix(n.outputs[0]!),
          dy: rows.matrix(dy),
        };
      },
    });
  },
};

/** Putting elements by index. */
export const scatters: readonly OperatorRule[] = [scatterElements, scatter, scatterND];

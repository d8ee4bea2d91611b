/** @module */
import type { Operand } from "../../graph/builder.ts";
import { type Dim, product, quotient } from "../../graph/dims.ts";
import { dimOf, reduceSum, reshape } from "../../graph/emit.ts";
import type { GradientContext } from "../../graph/rule.ts";

/** A node of which the shares of single examples are wanted. */
export interface Examples extends GradientContext {
  /** Size of the batch. */
  readonly batch: Dim;
  /** A value whose first axis is the batch. */
  readonly batchInput: string;
}

/** The shares G_i of the examples in a parameter's gradient, along a first axis. */
export interface Shares {
  readonly value: string;
  /** Brings what lies behind the axes `lead` into the parameter's shape. Default: as it is. */
  readonly arrange?: (value: string, lead: readonly Dim[]) => string;
}

/** How a parameter's gradient splits into the shares of the examples of a batch. */
export interface PerExampleRule {
  readonly shares: (n: Examples, index: number) => Shares;
  /** `scale Σ_i G_i²` in the parameter's shape, where there is a cheaper way than by the shares. */
  readonly squares?: (n: Examples, index: number, scale: Operand) => string | undefined;
}

/** Refuses a node, with the reason. */
export function refuseExamples(n: Examples, why: string): never {
  return n.refuse("square the gradients of single examples in", why);
}

/** A value in the shape `lead`, then the sizes of `like` from axis `from` on. */
export function reshapeLead(
  n: Examples,
  value: string,
  { lead, like, from }: {
    readonly lead: readonly Dim[];
    readonly like: string;
    readonly from: number;
  },
): string {
  const { b, batch, batchInput } = n;
  const rest = b.dims(like).slice(from);
  const dims = [...lead, ...rest];
  if (dims.filter((d) => typeof d === "string").length <= 1) return reshape(b, value, dims);
  // Of the leading sizes only the batch's can be asked for; another unknown one is what remains.
  const sizes = lead.map((d) =>
    typeof d === "number" ? b.ints([d]) : d === batch ? dimOf(b, batchInput, 0) : b.ints([-1])
  );
  if (rest.length > 0) sizes.push(b.op("Shape", [like], { start: from }));
  return reshape(b, value, dims, b.op("Concat", sizes, { axis: 0 }));
}

/** A value with the batch as first axis: [B·T, …] becomes [B, T, …]. */
export function byExample(n: Examples, value: string): string {
  const { b, batch } = n;
  const dims = b.dims(value);
  const first = dims[0];
  if (first === batch) return value;
  const inner = first === undefined ? undefined : quotient(first, batch);
  if (inner === undefined) {
    refuseExamples(n, `the first axis of shape [${dims}] is not the batch (${batch})`);
  }
  return reshapeLead(n, value, { lead: [batch, inner], like: value, from: 1 });
}

/** A value as [B, T, last]: everything between batch and last axis in one. */
export function asMatrices(n: Examples, value: string): string {
  const { b } = n;
  const grouped = byExample(n, value);
  const dims = b.dims(grouped);
  if (dims.length === 3) return grouped;
  if (dims.length === 2) return b.op("Unsqueeze", [grouped, b.ints([1])]);
  return reshapeLead(n, grouped, {
    lead: [dims[0]!, product(dims.slice(1, -1))],
    like: grouped,
    from: dims.length - 1,
  });
}

/** A parameter that was broadcast: G_i is the sum over the axes along which it was. */
export function broadcastShares(n: Examples, given: string, parameter: string): Shares {
  const { b } = n;
  const to = b.dims(parameter);
  const gradient = byExample(n, given);
  const dims = b.dims(gradient);
  const lead = dims.length - to.length;
  if (lead < 0 || (lead === 0 && to[0] !== 1)) {
    refuseExamples(n, `parameter of shape [${to}] has an axis of its own along the batch`);
  }
  const axes = dims.flatMap((d, k) => {
    if (k === 0) return [];
    const own = to[k - lead];
    return own === undefined || (own === 1 && d !== 1) ? [k] : [];
  });
  const value = reduceSum(b, gradient, axes, false);
  return {
    value,
    arrange: (y, lead) =>
      lead.length === 0
        ? reshape(b, y, to, b.op("Shape", [parameter]))
        : reshapeLead(n, y, { lead, like: parameter, from: 0 }),
  };
}

/** Elementwise with broadcasting: the operator's own gradient before the sum over the batch. */
export const broadcasting = (
  gradient: (n: Examples, index: number) => string,
): PerExampleRule => ({
  shares: (n, index) => broadcastShares(n, gradient(n, index), n.input(index)!),
});

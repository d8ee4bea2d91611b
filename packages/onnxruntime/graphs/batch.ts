/**
 * Where the examples of a batch lie.
 *
 * @module
 */
import type { InputInfo } from "./inputs.ts";

/** The axis along which an input has the batch's examples. */
export interface BatchAxis {
  readonly input: string;
  readonly axis: number;
}

/** Names that exporters and people give the size of the batch. */
const usual = /^(n|b|bs)$|batch|example/i;

/** A free size that has a name; those without one have their place for a name. */
const isNamed = (dim: number | string, input: InputInfo, axis: number): dim is string =>
  typeof dim === "string" && dim !== `${input.name}.${axis}`;

/**
 * The axes of the batch, one for each input that has one; none where the graph does not tell. The order
 * of the inputs has no part in it.
 *
 * Of the named sizes those count that the labels have, where there are labels, and that as many inputs
 * as possible have. If these are more than one, the batch is the one that is called so ("N", "B", "batch",
 * "batch_size"), else the one that is the first axis wherever it appears. Where no size has a name it
 * is the first axis of the labels, else the first axis of all inputs if that is one size.
 *
 * @param labels Names of inputs that hold what the loss compares with.
 */
export function batchAxes(inputs: readonly InputInfo[], labels: ReadonlySet<string>): BatchAxis[] {
  const axesOf = (symbol: string) =>
    inputs.flatMap((input): BatchAxis[] => {
      const axis = input.dims?.findIndex((dim, k) => dim === symbol && isNamed(dim, input, k)) ??
        -1;
      return axis < 0 ? [] : [{ input: input.name, axis }];
    });
  const symbols = (list: readonly InputInfo[]) =>
    new Set(list.flatMap((input) => input.dims?.filter((dim, k) => isNamed(dim, input, k)) ?? []));
  const compared = inputs.filter(({ name }) => labels.has(name));
  const ofLabels = symbols(compared);
  const all = [...ofLabels.size > 0 ? ofLabels : symbols(inputs)] as string[];
  const named = all.map((symbol) => ({ symbol, axes: axesOf(symbol) }));
  const most = Math.max(0, ...named.map(({ axes }) => axes.length));
  const shared = named.filter(({ axes }) => axes.length === most);
  const called = shared.filter(({ symbol }) => usual.test(symbol));
  const leading = shared.filter(({ axes }) => axes.every(({ axis }) => axis === 0));
  for (const found of [shared, called, leading]) {
    if (found.length === 1) return found[0]!.axes;
  }
  if (named.length > 0) return [];
  const first = (list: readonly InputInfo[]) =>
    list.filter(({ dims }) => dims === undefined || dims.length > 0)
      .map(({ name }) => ({ input: name, axis: 0 }));
  return compared.length > 0 ? first(compared) : first(inputs);
}

/**
 * The number of examples in a batch; undefined where the graph does not tell, or inputs disagree.
 *
 * @param shapes Of the feeds, by input.
 */
export function batchSizeOf(
  axes: readonly BatchAxis[],
  shapes: Readonly<Record<string, { readonly dims: readonly number[] }>>,
): number | undefined {
  const sizes = new Set(axes.map(({ input, axis }) => shapes[input]?.dims[axis] ?? 1));
  return sizes.size === 1 ? [...sizes][0] : undefined;
}

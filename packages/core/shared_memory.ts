/** @module */

/** The arrays of a parameter's share of a step. */
export const arrayNames = ["weights", "gradient", "gradientSquares", "curvature"] as const;

type Arrays = Readonly<Partial<Record<(typeof arrayNames)[number], Float32Array | undefined>>>;

/** An array of a contribution: where it lies in its buffer. */
interface View {
  readonly name: string;
  readonly what: (typeof arrayNames)[number];
  readonly start: number;
  readonly end: number;
}

/**
 * Refuses weights that two names share: they would take two steps. So it does evidence in the memory of
 * weights, which change while it is read; the very array of its own weights is read before it is written.
 */
export function checkApart(given: readonly (readonly [name: string, Arrays])[]): void {
  const sorted = new Map<ArrayBufferLike, View[]>();
  for (const [name, contribution] of given) {
    for (const what of arrayNames) {
      const array = contribution[what];
      if (array === undefined || array.length === 0) continue;
      const { buffer, byteOffset: start, byteLength } = array;
      const views = sorted.get(buffer) ?? [];
      if (views.length === 0) sorted.set(buffer, views);
      views.push({ name, what, start, end: start + byteLength });
    }
  }
  for (const views of sorted.values()) if (views.length > 1) checkViews(views);
}

function checkViews(views: View[]): void {
  // Of those that begin together weights come first: what may be the same array is met after them.
  views.sort((a, b) =>
    a.start - b.start || Number(b.what === "weights") - Number(a.what === "weights")
  );
  /** Those that reach furthest of the ones before, of weights and of all. */
  let weights: View | undefined, all: View | undefined;
  for (const view of views) {
    const before = view.what === "weights" ? all : weights;
    if (before !== undefined && view.start < before.end) refuseShared(before, view);
    if (all === undefined || view.end > all.end) all = view;
    if (view.what === "weights" && (weights === undefined || view.end > weights.end)) {
      weights = view;
    }
  }
}

function refuseShared(a: View, b: View): void {
  const [other, own] = b.what === "weights" ? [a, b] : [b, a];
  if (other.what === "weights") {
    throw new TypeError(
      `Cannot step ${JSON.stringify(b.name)}: its weights share memory with those of ` +
        `${JSON.stringify(a.name)}, and would take two steps; give tied weights once, with the ` +
        "sum of their gradients",
    );
  }
  const same = other.name === own.name && other.start === own.start && other.end === own.end;
  if (same) return;
  throw new TypeError(
    `Cannot step ${
      JSON.stringify(other.name)
    }: its ${other.what} shares memory with the weights of ` +
      `${JSON.stringify(own.name)}, which change while it is read; give a copy`,
  );
}

/** @module */

/**
 * A dimension: a number, or a symbol. A product of symbols is written `2*N*T` (the number first,
 * symbols sorted), so that equal names mean equal sizes; every unknown size gets a name of its own.
 */
export type Dim = number | string;

interface Monomial {
  readonly factor: number;
  readonly symbols: readonly string[];
}

function parse(dim: Dim): Monomial {
  if (typeof dim === "number") return { factor: dim, symbols: [] };
  const parts = dim.split("*");
  return /^\d+$/.test(parts[0]!)
    ? { factor: Number(parts[0]), symbols: parts.slice(1) }
    : { factor: 1, symbols: parts };
}

/**
 * The symbol of a name that a file gives a size: "*" and leading digits have a meaning of their
 * own here, and `unknown_1` is what this package calls a size that it made up itself.
 */
export function symbolOf(name: string): string {
  return name.replaceAll("*", "·").replace(/^(?=\d)/, "d").replace(/^(?=unknown_\d+$)/, "file_");
}

function format({ factor, symbols }: Monomial): Dim {
  if (factor === 0 || symbols.length === 0) return factor;
  const names = [...symbols].sort().join("*");
  return factor === 1 ? names : `${factor}*${names}`;
}

/** The product of dimensions; throws a plain error where it is beyond what a number counts. */
export function product(dims: readonly Dim[]): Dim {
  const parts = dims.map(parse);
  if (parts.some(({ factor }) => factor === 0)) return 0;
  const factor = parts.reduce((a, { factor }) => a * factor, 1);
  if (!Number.isSafeInteger(factor)) {
    throw new RangeError(`sizes [${dims}] multiply to more than 2^53`);
  }
  return format({ factor, symbols: parts.flatMap(({ symbols }) => symbols) });
}

/** `a / b` where it is known to be whole, else undefined. */
export function quotient(a: Dim, b: Dim): Dim | undefined {
  const [over, under] = [parse(a), parse(b)];
  const symbols = [...over.symbols];
  for (const symbol of under.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  if (under.factor === 0 || over.factor % under.factor !== 0) return undefined;
  return format({ factor: over.factor / under.factor, symbols });
}

/** The symbols of a dimension. */
export const symbolsOf = (dim: Dim): readonly string[] => parse(dim).symbols;

/** A dimension with numbers for those of its symbols that have one. */
export function substitute(dim: Dim, sizes: ReadonlyMap<string, number>): Dim {
  const { factor, symbols } = parse(dim);
  return product([factor, ...symbols.map((symbol) => sizes.get(symbol) ?? symbol)]);
}

/** The value of a dimension for sizes of symbols; NaN if one is missing. */
export function evaluate(dim: Dim, sizes: ReadonlyMap<string, number>): number {
  const { factor, symbols } = parse(dim);
  return symbols.reduce((n, symbol) => n * (sizes.get(symbol) ?? NaN), factor);
}

/** Whether every dimension is a number. */
export function isStatic(dims: readonly Dim[] | undefined): dims is readonly number[] {
  return dims !== undefined && dims.every((d) => typeof d === "number");
}

/** Whether two shapes are known to be equal. */
export function sameDims(
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
): boolean {
  return a !== undefined && b !== undefined && a.length === b.length &&
    a.every((d, i) => d === b[i]);
}

/**
 * The shape of an elementwise result by NumPy's rule, undefined where two different symbols meet;
 * throws a plain error with the two sizes where no broadcast is possible.
 */
export function broadcastDims(shapes: readonly (readonly Dim[])[]): (Dim | undefined)[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const met = shapes.map((s) => s[s.length - rank + i] ?? 1).filter((d) => d !== 1);
    const numbers = met.filter((d) => typeof d === "number");
    if (numbers.some((d) => d !== numbers[0])) {
      throw new RangeError(
        `sizes ${numbers.join(" and ")} do not broadcast (shapes ${
          shapes.map((s) => `[${s}]`).join(", ")
        })`,
      );
    }
    if (numbers.length > 0) return numbers[0]!; // a symbol that meets a number is 1 or equal to it
    if (met.every((d) => d === met[0])) return met[0] ?? 1;
    return undefined;
  });
}

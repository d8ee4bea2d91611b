/**
 * What options may be: kinds for `checkOptions` and `checkValue`, which are here, too, for packages that need
 * nothing else of an adapter.
 *
 * @module
 */
import type { Kind } from "./checks.ts";
import { nearestName } from "./nearest_name.ts";

export { checkOptions, checkValue, type Kind, type Kinds } from "./checks.ts";
export { nearestName };

function numbers(must: string, range: (value: number) => boolean): Kind {
  return { must, type: (value) => typeof value === "number", range };
}

/** Any number, also NaN: what is checked further elsewhere. */
export const number: Kind = { must: "be a number", type: (value) => typeof value === "number" };

/** An integer. */
export const whole: Kind = /* @__PURE__ */ numbers(
  "be a whole number",
  (x) => Number.isSafeInteger(x),
);

/** In [0, 1): the decay of an average. */
export const decay: Kind = /* @__PURE__ */ numbers("be in [0, 1)", (x) => x >= 0 && x < 1);

/** In [0, 1]. */
export const fraction: Kind = /* @__PURE__ */ numbers("be in [0, 1]", (x) => x >= 0 && x <= 1);

/** A positive finite number. */
export const positive: Kind = /* @__PURE__ */ numbers("be positive", (x) => x > 0 && x < Infinity);

/** A finite number ≥ 0. */
export const nonNegative: Kind = /* @__PURE__ */ numbers(
  "be finite and not negative",
  (x) => x >= 0 && x < Infinity,
);

/** A finite number. */
export const finite: Kind = /* @__PURE__ */ numbers(
  "be a finite number",
  (x) => Number.isFinite(x),
);

/** A finite number strictly between two others. */
export function between(low: number, high: number): Kind {
  return numbers(`be between ${low} and ${high}`, (x) => x > low && x < high);
}

/** A finite number of at least `least`. */
export function numberFrom(least: number): Kind {
  return numbers(`be finite and at least ${least}`, (x) => x >= least && x < Infinity);
}

/** A positive number, or Infinity for none: a bound. */
export const bound: Kind = /* @__PURE__ */ numbers("be positive", (x) => x > 0);

/** 0, or what float32 holds in full precision. */
export const normal: Kind = /* @__PURE__ */ numbers(
  "be 0 or at least 2⁻¹²⁶, the smallest normal float32, and finite",
  (x) => x === 0 || (x >= 2 ** -126 && x < Infinity),
);

/** An integer of at least `least`, and at most `most` if that is given. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Kind {
  const must = most < Number.MAX_SAFE_INTEGER
    ? `be an integer in [${least}, ${most}]`
    : least === 1
    ? "be a positive integer"
    : `be an integer of at least ${least}`;
  return numbers(must, (x) => Number.isSafeInteger(x) && x >= least && x <= most);
}

/** A positive integer. */
export const count: Kind = /* @__PURE__ */ integer(1);

/** A seed of a random generator of 32 bits. */
export const seed: Kind = /* @__PURE__ */ integer(0, 2 ** 32 - 1);

/** A multiple of 1/8 in (0, 4]: a power made of products and square roots. */
export const exponent: Kind = /* @__PURE__ */ numbers(
  "be a multiple of 1/8 in (0, 4]",
  (x) => x > 0 && x <= 4 && Number.isInteger(8 * x),
);

/** True or false. */
export const flag: Kind = { must: "be true or false", type: (value) => typeof value === "boolean" };

/** A string with at least one character. */
export const text: Kind = {
  must: "be a string that is not empty",
  type: (value) => typeof value === "string",
  range: (value: string) => value !== "",
};

/** Any string. */
export const anyText: Kind = { must: "be a string", type: (value) => typeof value === "string" };

/** Names, in order. */
export const names: Kind = {
  must: "be a list of names",
  type: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  hint: (value) => typeof value === "string" ? `write [${JSON.stringify(value)}]` : undefined,
};

/** A function. */
export const callable: Kind = {
  must: "be a function",
  type: (value) => typeof value === "function",
};

/** Anything: what is checked elsewhere. */
export const anything: Kind = { must: "be given", type: () => true };

/** One of some words. */
export function oneOf(...words: readonly string[]): Kind {
  const quoted = words.map((word) => JSON.stringify(word));
  return {
    must: `be ${quoted.slice(0, -1).join(", ")}${quoted.length > 1 ? " or " : ""}${quoted.at(-1)}`,
    type: (value) => typeof value === "string",
    range: (value: string) => words.includes(value),
    hint: (value) => {
      const near = typeof value === "string" ? nearestName(value, words) : undefined;
      return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
    },
  };
}

/** Of any of some kinds. */
export function either(...all: readonly Kind[]): Kind {
  return {
    must: all.map(({ must }) => must.replace(/^be /, "")).join(" or ").replace(/^/, "be "),
    type: (value) => all.some((kind) => kind.type(value)),
    range: (value: never) =>
      all.some((kind) => kind.type(value) && (kind.range === undefined || kind.range(value))),
    hint: (value) => all.map((kind) => kind.hint?.(value)).find((hint) => hint !== undefined),
  };
}

/** An array of values of one kind. */
export function listOf(kind: Kind, least = 0): Kind {
  const good = (value: never) => kind.type(value) && (kind.range?.(value) ?? true);
  return {
    must: `be an array${least > 0 ? ` of at least ${least}` : ""} whose items each ${kind.must}`,
    type: Array.isArray,
    range: (value: readonly never[]) => value.length >= least && value.every(good),
  };
}

const has = (value: unknown, key: string): boolean =>
  typeof value === "object" && value !== null && key in value;

/** A learning rate: a finite number that is not negative, or a schedule. */
export const rate: Kind = {
  must: "be finite and not negative, or a schedule",
  type: (value) => typeof value === "number" || typeof value === "function",
  range: (value: unknown) =>
    typeof value === "function" || ((value as number) >= 0 && (value as number) < Infinity),
};

/** Which parameters: an exact name, a pattern or a predicate. */
export const match: Kind = {
  must: "be a name, a RegExp or a function",
  type: (value) =>
    typeof value === "string" || typeof value === "function" ||
    Object.prototype.toString.call(value) === "[object RegExp]",
};

const sources = ["hutchinson", "gaussNewton", "fisher", "empiricalFisher", "user"];

/** Where curvature samples come from. */
export const curvature: Kind = {
  must: "be a curvature source such as gaussNewton()",
  type: (value) => has(value, "kind"),
  range: ({ kind, every }: { kind: string; every: number }) =>
    sources.includes(kind) && Number.isSafeInteger(every) && every >= 1,
  hint: (value) =>
    has(value, "kind")
      ? `known kinds are ${sources.join(", ")}, every is a positive integer`
      : undefined,
};

const evidence = ["gradient", "gradientSquares", "curvature"];
const isEstimator = (value: unknown) => has(value, "estimate");
const isTransform = (value: unknown) => has(value, "apply");
// deno-lint-ignore no-explicit-any -- what somebody wrote by hand
const isWhole = ({ needs, slots, scalars, apply, estimate }: any) =>
  slots && scalars?.call && (apply ?? estimate)?.call &&
  needs?.every?.((kind: string) => evidence.includes(kind));
const partsOf = (value: unknown) =>
  typeof value === "object" ? `it has slots, scalars(), needs of ${evidence}` : undefined;
const isDefinition = (value: unknown) => has(value, "stages") || has(value, "groups");
const nameOf = (value: unknown) => String((value as { name?: unknown }).name);

/** A stage of a chain. */
export const transform: Kind = {
  must: "be a transform such as momentum()",
  type: (value) => isTransform(value) && isWhole(value),
  hint: (value) =>
    isEstimator(value)
      ? `an estimator scales what flows in: scaleBy(${nameOf(value)}(…))`
      : Array.isArray(value)
      ? "give the transforms one by one: chain(...transforms)"
      : has(value, "stages")
      ? "give one transform alone; a chain goes into chain()"
      : isDefinition(value)
      ? "it goes around the chains of its groups"
      : partsOf(value),
};

/** What scaleBy() scales by. */
export const estimator: Kind = {
  must: "be an estimator such as signalFraction()",
  type: (value) => isEstimator(value) && isWhole(value),
  hint: (value) => isTransform(value) ? "a transform goes into chain() itself" : partsOf(value),
};

/** An optimizer: a chain, or chains for groups of parameters. */
export const definition: Kind = {
  must: "be an optimizer such as adam()",
  type: (value) => isDefinition(value),
  hint: (value) => isTransform(value) ? `write chain(${nameOf(value)}(…))` : undefined,
};

/** One chain. */
export const oneChain: Kind = {
  must: "be a chain such as adam()",
  type: (value) => has(value, "stages"),
  hint: (value) =>
    has(value, "groups") ? "write its own groups into the list" : definition.hint!(value),
};

/** The bytes of a file; a Buffer is one, too. */
export const bytes: Kind = {
  must: "be a Uint8Array",
  type: (value) => Object.prototype.toString.call(value) === "[object Uint8Array]",
};

/** Numbers in single precision; an array of another realm is one, too. */
export const float32Array: Kind = {
  must: "be a Float32Array",
  type: (value) => Object.prototype.toString.call(value) === "[object Float32Array]",
};

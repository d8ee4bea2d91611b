/**
 * The kernel language: what one element of a tensor undergoes in one optimizer step.
 *
 * An `Expr` is a float32 value per element, an `Cond` a truth value per element. Host code may carry
 * more digits between load and store, but what it stores, or has summed, it uses as float32: what
 * overflows is infinite on every host. Both are plain
 * immutable trees; `compileProgram()` shares equal subtrees. `sum` leaves the element: its
 * value is one number for the row, the tensor, or all tensors of the step.
 *
 * @module
 */

import { checkValue } from "../checks.ts";
import * as kinds from "../kinds.ts";

/** What a `sum` runs over: the row, the tensor, or all tensors that take part in the step. */
export type Scope = "row" | "tensor" | "all";

/** How many values an array holds for one parameter: one an element, one a row, or one. */
export type ArrayShape = "element" | "row" | "tensor";

/** Operators that take one number. */
export type UnaryOp = "neg" | "abs" | "sqrt";
/** Operators that take two numbers. */
export type BinaryOp = "add" | "sub" | "mul" | "div" | "min" | "max";
/** Comparisons of two numbers. NaN compares false. */
export type CompareOp = "lt" | "le" | "gt" | "ge" | "eq";
/** Operators on truth values. */
export type LogicOp = "and" | "or";

/** A number per element (or per row, tensor or step: the compiler finds out which). */
export type Expr =
  | { readonly op: "const"; readonly value: number }
  | { readonly op: "scalar"; readonly name: string }
  | { readonly op: "read"; readonly name: string; readonly shape: ArrayShape }
  | { readonly op: UnaryOp; readonly args: readonly [Expr] }
  | { readonly op: BinaryOp; readonly args: readonly [Expr, Expr] }
  | { readonly op: "select"; readonly args: readonly [Cond, Expr, Expr] }
  | { readonly op: "sum"; readonly scope: Scope; readonly args: readonly [Expr] };

/** A truth value per element. */
export type Cond =
  | { readonly op: CompareOp; readonly args: readonly [Expr, Expr] }
  | { readonly op: "isFinite"; readonly args: readonly [Expr] }
  | { readonly op: LogicOp; readonly args: readonly [Cond, Cond] }
  | { readonly op: "not"; readonly args: readonly [Cond] };

/** An expression, or a number literal that stands for a constant. */
export type Operand = Expr | number;

/** A literal as an expression. */
export function constant(value: number): Expr {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new RangeError(
      `Cannot make a constant: value must be a number, current value is ${value}` +
        (Number.isNaN(value) ? "; expressions take add() and mul(), not + and *" : ""),
    );
  }
  return { op: "const", value };
}

function lift(x: Operand): Expr {
  return typeof x === "object" ? x : constant(x);
}

/** A number that the host computes in float64 and hands in once a step. */
export function scalar(name: string): Expr {
  return { op: "scalar", name };
}

/** The parameter's value of the named array. */
export function read(name: string, shape: ArrayShape = "element"): Expr {
  return { op: "read", name, shape };
}

function binary(op: BinaryOp, a: Operand, b: Operand, fold: (a: number, b: number) => number) {
  const [x, y] = [lift(a), lift(b)];
  if (x.op === "const" && y.op === "const") {
    const value = fold(x.value, y.value);
    // 0/0 must stay visible at run time instead of becoming a constant that no one wrote.
    if (!Number.isNaN(value)) return constant(value);
  }
  return { op, args: [x, y] } as const;
}

/** `a + b` */
export function add(a: Operand, b: Operand): Expr {
  return binary("add", a, b, (x, y) => x + y);
}
/** `a − b` */
export function sub(a: Operand, b: Operand): Expr {
  return binary("sub", a, b, (x, y) => x - y);
}
const isOne = (a: Expr): boolean => a.op === "const" && a.value === 1;
const isReciprocal = (a: Expr): a is Expr & { readonly op: "div" } =>
  a.op === "div" && isOne(a.args[0]);

/** `a · b`; multiplying by 1 is free, and by `1/c` is one division. */
export function mul(a: Operand, b: Operand): Expr {
  const [left, right] = [lift(a), lift(b)];
  if (isOne(left)) return right;
  if (isOne(right)) return left;
  if (isReciprocal(left)) return div(right, left.args[1]);
  if (isReciprocal(right)) return div(left, right.args[1]);
  return binary("mul", left, right, (x, y) => x * y);
}
/** `a / b`, IEEE: x/0 is ±Inf and 0/0 is NaN. See {@linkcode divide0}. */
export function div(a: Operand, b: Operand): Expr {
  return binary("div", a, b, (x, y) => x / y);
}
/** The smaller one, NaN if either is; unspecified for zeros of different sign. */
export function min(a: Operand, b: Operand): Expr {
  return binary("min", a, b, Math.min);
}
/** The larger one, NaN if either is; unspecified for zeros of different sign. */
export function max(a: Operand, b: Operand): Expr {
  return binary("max", a, b, Math.max);
}

function unary(op: UnaryOp, a: Operand): Expr {
  return { op, args: [lift(a)] };
}
/** `−a` */
export function neg(a: Operand): Expr {
  const x = lift(a);
  return x.op === "const" ? constant(-x.value) : unary("neg", x);
}
/** `|a|` */
export function abs(a: Operand): Expr {
  return unary("abs", a);
}
/** `√a` */
export function sqrt(a: Operand): Expr {
  return unary("sqrt", a);
}
/** `a²` */
export function square(a: Operand): Expr {
  const x = lift(a);
  return mul(x, x);
}

function compare(op: CompareOp, a: Operand, b: Operand): Cond {
  return { op, args: [lift(a), lift(b)] };
}
/** `a < b` */
export function lt(a: Operand, b: Operand): Cond {
  return compare("lt", a, b);
}
/** `a ≤ b` */
export function le(a: Operand, b: Operand): Cond {
  return compare("le", a, b);
}
/** `a > b` */
export function gt(a: Operand, b: Operand): Cond {
  return compare("gt", a, b);
}
/** `a ≥ b` */
export function ge(a: Operand, b: Operand): Cond {
  return compare("ge", a, b);
}
/** `a = b` */
export function eq(a: Operand, b: Operand): Cond {
  return compare("eq", a, b);
}
/** Neither NaN nor beyond the largest float32, ±Inf. */
export function isFinite(a: Operand): Cond {
  return { op: "isFinite", args: [lift(a)] };
}
/** Both. */
export function and(a: Cond, b: Cond): Cond {
  return { op: "and", args: [a, b] };
}
/** Either. */
export function or(a: Cond, b: Cond): Cond {
  return { op: "or", args: [a, b] };
}
/** The opposite. */
export function not(a: Cond): Cond {
  return { op: "not", args: [a] };
}

/** `a` where the condition holds, `b` elsewhere; what is not chosen may be NaN. */
export function select(condition: Cond, a: Operand, b: Operand): Expr {
  return { op: "select", args: [condition, lift(a), lift(b)] };
}
/** 1, 0 or −1; 0 for NaN. */
export function sign(a: Operand): Expr {
  return select(gt(a, 0), 1, select(lt(a, 0), -1, 0));
}
/** `a / b`, and 0 wherever `b` is not positive: the project's rule for 0/0. */
export function divide0(a: Operand, b: Operand): Expr {
  return select(gt(b, 0), div(a, b), 0);
}
/** `a` moved into `[−limit, limit]`; NaN stays NaN. */
export function clamp(a: Operand, limit: Operand): Expr {
  return max(min(a, limit), neg(limit));
}
/** Σ of `a` over the row, the tensor, or all tensors of the step; accumulated in float64 on CPUs. */
export function sum(a: Operand, scope: Scope): Expr {
  return { op: "sum", scope, args: [lift(a)] };
}

/**
 * `aᵖ` for `a ≥ 0` and `p` a multiple of 1/8 in (0, 4].
 *
 * Products of repeated square roots: every backend has a correctly rounded `sqrt`, but no two
 * have the same `pow`.
 */
export function power(a: Operand, exponent: number): Expr {
  checkValue("raise to a power", exponent, kinds.exponent, "exponent");
  const eighths = exponent * 8;
  let result: Expr | undefined;
  const times = (x: Expr) => result = result === undefined ? x : mul(result, x);
  const x = lift(a);
  for (let i = 0; i < Math.floor(exponent); i++) times(x);
  let root = x;
  for (let bit = 4; bit >= 1; bit /= 2) {
    root = sqrt(root);
    if (eighths & bit) times(root);
  }
  return result!;
}

/**
 * What the shader lowerings share: one line of text for each node of a program.
 *
 * @module
 */
import type { Node, Program } from "../kernel/program.ts";

/** How a shading language writes what differs between them. */
export interface Dialect {
  readonly name: string;
  number(value: number): string;
  scalar(index: number): string;
  read(input: number): string;
  sum(sum: number): string;
  isFinite(a: string): string;
  isNaN(a: string): string;
  select(condition: string, a: string, b: string): string;
  declare(node: Node, id: number, value: string): string;
  /** How to write an operation that is not written as on two numbers; undefined if it is. */
  operation?(node: Node): string | undefined;
}

/** Operators that every C-like language writes the same way. */
export const infix: Partial<Record<Node["op"], string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  eq: "==",
  and: "&&",
  or: "||",
};

const comparisons: readonly Node["op"][] = ["lt", "le", "gt", "ge", "eq"];

/**
 * The operands that have to be looked at for NaN: shading languages promise nothing for comparisons,
 * min and max of NaN, where the kernel language says false and NaN. Numbers of the host are none.
 */
export function suspects(program: Program, node: Node): readonly number[] {
  const asks = comparisons.includes(node.op) || node.op === "min" || node.op === "max";
  const known: readonly Node["op"][] = ["const", "scalar"];
  return asks ? node.args.filter((id) => !known.includes(program.nodes[id]!.op)) : [];
}

function expression(dialect: Dialect, program: Program, node: Node): string {
  const own = dialect.operation?.(node);
  if (own !== undefined) return own;
  const [a, b, c] = node.args.map((arg) => `n${arg}`) as [string, string, string];
  const nan = suspects(program, node).map((id) => dialect.isNaN(`n${id}`));
  if (comparisons.includes(node.op)) {
    return [`${a} ${infix[node.op]} ${b}`, ...nan.map((is) => `!(${is})`)].join(" && ");
  }
  if (infix[node.op]) return `${a} ${infix[node.op]} ${b}`;
  switch (node.op) {
    case "const":
      return dialect.number(node.value!);
    case "scalar":
      return dialect.scalar(node.index!);
    case "read":
      return dialect.read(node.index!);
    case "sum":
      return dialect.sum(node.index!);
    case "neg":
      return `-${a}`;
    case "not":
      return `!${a}`;
    case "abs":
    case "sqrt":
      return `${node.op}(${a})`;
    case "min":
    case "max": {
      const plain = `${node.op}(${a}, ${b})`;
      // The sum is NaN where an operand is.
      return nan.length === 0 ? plain : dialect.select(nan.join(" || "), `${a} + ${b}`, plain);
    }
    case "isFinite":
      return dialect.isFinite(a);
    case "select":
      return dialect.select(a, b, c);
    default:
      throw new TypeError(`Cannot lower to ${dialect.name}: unknown operator ${node.op}`);
  }
}

/** Declarations of the given nodes and all that they need, in order; `stored` ones are read. */
export function declarations(
  dialect: Dialect,
  program: Program,
  targets: readonly number[],
  stored: ReadonlyMap<number, string> = new Map(),
): string[] {
  const needed = new Set<number>();
  const need = (id: number) => {
    if (needed.has(id)) return;
    needed.add(id);
    const node = program.nodes[id]!;
    // A finished sum is loaded, not computed.
    if (node.op !== "sum" && !stored.has(id)) node.args.forEach(need);
  };
  targets.forEach(need);
  return [...needed].sort((a, b) => a - b).map((id) => {
    const node = program.nodes[id]!;
    return dialect.declare(node, id, stored.get(id) ?? expression(dialect, program, node));
  });
}

/** A float literal that both shading languages read; rounded to float32. */
export function floatLiteral(value: number): string {
  // Beyond the largest float32 lies only infinity, which has no literal.
  const largest = 3.4028234663852886e38;
  const rounded = Number.isFinite(value)
    ? Math.fround(Math.min(Math.max(value, -largest), largest))
    : value;
  if (!Number.isFinite(rounded)) {
    throw new RangeError(`Cannot write ${value} as a float32 literal`);
  }
  const text = Object.is(rounded, -0) ? "-0.0" : String(rounded);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

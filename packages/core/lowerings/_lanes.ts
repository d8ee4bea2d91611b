/**
 * GLSL on vectors of elements.
 *
 * @module
 */
import type { Node, Program } from "../kernel/program.ts";
import { type Dialect, infix, suspects } from "./_text.ts";
import { glslDialect } from "./glsl.ts";

/**
 * Elements of a texel: 1, or as many as share one where texels are blocks of 2 × 2 elements of the
 * tensor's last two dimensions; 2 where the last dimension stands alone.
 */
export type TexelWidth = 1 | 2 | 4;

const comparisons: Partial<Record<Node["op"], string>> = {
  lt: "lessThan",
  le: "lessThanEqual",
  gt: "greaterThan",
  ge: "greaterThanEqual",
  eq: "equal",
};

/**
 * How values are written where a fragment works on several elements: vectors, except for what is the
 * same in the whole tensor.
 */
export function laneDialect(
  program: Program,
  width: TexelWidth,
  texel: (sampler: string) => string,
): Dialect {
  const plain = glslDialect(program);
  const swizzle = { 1: ".r", 2: ".rg", 4: "" }[width];
  const float = `vec${width}`, bool = `bvec${width}`, uint = `uvec${width}`;
  const isWide = ({ rate }: Node) => width > 1 && rate !== "tensor";
  const row = (sampler: string) =>
    ({
      1: `ofRow(${sampler}, r)`,
      2: `vec2(ofRow(${sampler}, r))`,
      4: `vec2(ofRow(${sampler}, r), ofRow(${sampler}, r + 1)).xxyy`,
    })[width];
  const one = (sampler: string) => `texelFetch(${sampler}, ivec2(0), 0).r`;
  return {
    ...plain,
    read(input) {
      const sampler = `A${input}`;
      const own = program.inputs[input]!.shape;
      if (own === "element") return `${texel(sampler)}${swizzle}`;
      return own === "row" ? row(sampler) : one(sampler);
    },
    sum: (sum) => program.sums[sum]!.scope === "row" ? row(`S${sum}`) : one(`S${sum}`),
    declare: (node, id, value) =>
      isWide(node)
        ? `${node.boolean ? bool : float} n${id} = ${value};`
        : plain.declare(node, id, value),
    operation(node) {
      if (!isWide(node) || node.args.length === 0) return undefined;
      const wide = node.args.map((id) => {
        const arg = program.nodes[id]!;
        return isWide(arg) ? `n${id}` : `${arg.boolean ? bool : float}(n${id})`;
      });
      const [a, b, c] = wide as [string, string, string];
      const nan = suspects(program, node).map((id) => {
        const value = wide[node.args.indexOf(id)]!;
        return `${uint}(greaterThan(floatBitsToUint(${value}) & 0x7fffffffu, ${uint}(0x7f800000u)))`;
      }).join(" | ");
      const compare = comparisons[node.op];
      if (compare) {
        const plain = `${compare}(${a}, ${b})`;
        return nan ? `${bool}(${uint}(${plain}) & (1u - (${nan})))` : plain;
      }
      switch (node.op) {
        case "add":
        case "sub":
        case "mul":
        case "div":
          return `${a} ${infix[node.op]} ${b}`;
        case "min":
        case "max":
          return nan
            ? `mix(${node.op}(${a}, ${b}), ${a} + ${b}, ${bool}(${nan}))`
            : `${node.op}(${a}, ${b})`;
        case "and":
        case "or":
          // The logical operators take single truth values only.
          return `${bool}(${uint}(${a}) ${node.op === "and" ? "&" : "|"} ${uint}(${b}))`;
        case "not":
          return `not(${a})`;
        case "isFinite":
          return `notEqual(floatBitsToUint(${a}) & 0x7f800000u, ${uint}(0x7f800000u))`;
        case "select":
          // Chooses by component: what is not chosen may be NaN.
          return isWide(program.nodes[node.args[0]!]!)
            ? `mix(${c}, ${b}, ${a})`
            : `n${node.args[0]} ? ${b} : ${c}`;
        default:
          return undefined;
      }
    },
  };
}

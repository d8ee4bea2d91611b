/**
 * Lowering to GLSL ES 3.0 functions for fragment shaders.
 *
 * @module
 */
import type { ArrayShape } from "../kernel/expr.ts";
import type { Program } from "../kernel/program.ts";
import { declarations, type Dialect, floatLiteral } from "./_text.ts";

/** One function of a pass. */
export interface GlslStage {
  /**
   * - `sum`: `float summand<index>(int i)` is the summand of element i, and
   *   `float reduce<index>(int first, int count)` adds up a run of them.
   * - `output`: `float output<index>(int i)` is the new value of element i of the array (or of row i,
   *   or of the tensor).
   */
  readonly kind: "sum" | "output";
  /** Index into `program.sums` or `program.outputs`. */
  readonly index: number;
  /** Shape of the result; a summand has one value an element. */
  readonly shape: ArrayShape;
  /**
   * Definitions; they use `float read<k>(int at)` for input k, `float sum<k>(int r)` for sum k (r
   * matters for row sums), the uniforms `s<k>` for the scalars and `columns`, which the host
   * declares before them.
   */
  readonly code: string;
  /** Indices of the inputs, sums and scalars that the code uses. */
  readonly reads: readonly number[];
  readonly sums: readonly number[];
  readonly scalars: readonly number[];
}

/** How values are written in functions of one element. */
export function glslDialect(program: Program): Dialect {
  return {
    name: "GLSL",
    number: floatLiteral,
    scalar: (index) => `s${index}`,
    read: (input) =>
      `read${input}(${{ element: "i", row: "r", tensor: "0" }[program.inputs[input]!.shape]})`,
    sum: (sum) => `sum${sum}(${program.sums[sum]!.scope === "row" ? "r" : "0"})`,
    // Drivers may compile isnan and isinf to false; bits they cannot assume away.
    isFinite: (a) => `(floatBitsToUint(${a}) & 0x7f800000u) != 0x7f800000u`,
    isNaN: (a) => `(floatBitsToUint(${a}) & 0x7fffffffu) > 0x7f800000u`,
    select: (condition, a, b) => `${condition} ? ${a} : ${b}`,
    declare: ({ boolean }, id, value) => `${boolean ? "bool" : "float"} n${id} = ${value};`,
  };
}

/** The numbers that a pattern finds in the code, in order. */
export function mentioned(code: string, pattern: RegExp): number[] {
  const found = new Set<number>();
  for (const match of code.matchAll(pattern)) found.add(Number(match[1]));
  return [...found].sort((a, b) => a - b);
}

function stage(
  program: Program,
  kind: GlslStage["kind"],
  index: number,
  node: number,
  shape: ArrayShape,
): GlslStage {
  const lines = declarations(glslDialect(program), program, [node]);
  const body = lines.join("\n");
  // A row's or tensor's value is asked for by its own index.
  const row = shape === "element" ? "int r = i / columns;" : "int r = i;";
  const name = kind === "sum" ? "summand" : "output";
  const code = [
    `float ${name}${index}(int i) {`,
    `  ${row}`,
    ...lines.map((l) => "  " + l),
    `  return n${node};`,
    "}",
    ...(kind === "sum"
      ? [
        `float reduce${index}(int first, int count) {`,
        // By parts of 64: one long sum in float32 would lose digits.
        "  float total = 0.0;",
        "  for (int start = 0; start < count; start += 64) {",
        "    float part = 0.0;",
        "    int stop = min(start + 64, count);",
        `    for (int k = start; k < stop; k++) { part += summand${index}(first + k); }`,
        "    total += part;",
        "  }",
        "  return total;",
        "}",
      ]
      : []),
  ].join("\n");
  return {
    kind,
    index,
    shape,
    code,
    reads: mentioned(body, /\bread(\d+)\(/g),
    sums: mentioned(body, /\bsum(\d+)\(/g),
    scalars: mentioned(body, /\bs(\d+)\b/g),
  };
}

/**
 * The program as functions for fragment shaders, one list for each pass. A fragment shader has one
 * result, so there is one function for each sum and output.
 */
export function lowerToGlsl(program: Program): GlslStage[][] {
  return program.passes.map((pass) => [
    ...pass.sums.map((s) => stage(program, "sum", s, program.sums[s]!.node, "element")),
    ...pass.outputs.map((o) => {
      const { node, shape } = program.outputs[o]!;
      return stage(program, "output", o, node, shape);
    }),
  ]);
}

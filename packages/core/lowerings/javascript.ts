/**
 * Lowering to JavaScript source, compiled by the engine's own compiler.
 *
 * @module
 */
import type { Node, Program } from "../kernel/program.ts";
import { infix as shared } from "./_text.ts";
import type { HostPass } from "./host_pass.ts";
import { interpret } from "./interpreter.ts";
import { firstInfinite, storedNodes } from "./rounding.ts";

const infix: typeof shared = { ...shared, eq: "===" };
const calls: Partial<Record<Node["op"], string>> = {
  abs: "Math.abs",
  sqrt: "Math.sqrt",
  min: "Math.min",
  max: "Math.max",
};

function literal(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function expression(program: Program, id: number): string {
  const node = program.nodes[id]!;
  const [a, b, c] = node.args.map((arg) => `n${arg}`);
  if (infix[node.op]) return `${a} ${infix[node.op]} ${b}`;
  if (calls[node.op]) return `${calls[node.op]}(${[a, b].filter(Boolean).join(", ")})`;
  switch (node.op) {
    case "const":
      return literal(node.value!);
    case "scalar":
      return `scalars[${node.index}]`;
    case "read":
      return `in${node.index}[${
        { tensor: "0", row: "r", element: "i" }[program.inputs[node.index!]!.shape]
      }]`;
    case "sum":
      return program.sums[node.index!]!.scope === "row"
        ? `Math.fround(rowSums${node.index}[r])`
        : `Math.fround(totals[${node.index}])`;
    case "isFinite":
      return `Math.abs(${a}) < ${firstInfinite}`;
    case "neg":
      return `-${a}`;
    case "not":
      return `!${a}`;
    case "select":
      return `${a} ? ${b} : ${c}`;
    default:
      throw new TypeError(`Cannot lower to JavaScript: unknown operator ${node.op}`);
  }
}

/** The body of the function for pass `index`; parameters as in {@linkcode HostPass}. */
export function javascriptSource(program: Program, index: number): string {
  const pass = program.passes[index]!;
  const lines: string[] = ['"use strict";'];
  const stored = storedNodes(program);
  const define = (ids: readonly number[], indent: string) => {
    for (const id of ids) {
      const value = expression(program, id);
      lines.push(`${indent}const n${id} = ${stored.has(id) ? `Math.fround(${value})` : value};`);
    }
  };
  const stores = (shape: string, at: string, indent: string) => {
    for (const o of pass.outputs) {
      const out = program.outputs[o]!;
      if (out.shape === shape) lines.push(`${indent}out${o}[${at}] = n${out.node};`);
    }
  };
  program.inputs.forEach((_, i) => lines.push(`const in${i} = inputs[${i}];`));
  pass.outputs.forEach((o) => lines.push(`const out${o} = outputs[${o}];`));
  program.sums.forEach((s, i) => {
    if (s.scope === "row") lines.push(`const rowSums${i} = rowSums[${i}];`);
  });
  define(pass.tensor, "");
  const wide = pass.sums.filter((s) => program.sums[s]!.scope !== "row");
  const perRow = pass.sums.filter((s) => program.sums[s]!.scope === "row");
  for (const s of wide) lines.push(`let acc${s} = 0;`);
  lines.push("for (let r = 0, i = 0; r < rows; r++) {");
  define(pass.row, "  ");
  for (const s of perRow) lines.push(`  let acc${s} = 0;`);
  lines.push("  for (const end = i + columns; i < end; i++) {");
  define(pass.element, "    ");
  for (const s of pass.sums) lines.push(`    acc${s} += n${program.sums[s]!.node};`);
  stores("element", "i", "    ");
  lines.push("  }");
  for (const s of perRow) lines.push(`  rowSums${s}[r] = acc${s};`);
  stores("row", "r", "  ");
  lines.push("}");
  for (const s of wide) lines.push(`totals[${s}] = acc${s};`);
  stores("tensor", "0", "");
  const held = index === program.passes.length - 1 && program.hold !== undefined;
  lines.push(`return ${held ? `n${program.hold}` : "false"};`);
  return lines.join("\n");
}

/** Whether the page's content security policy lets code be made at run time. */
export function canGenerateCode(): boolean {
  try {
    return new Function("return 1")() === 1;
  } catch {
    return false;
  }
}

/**
 * Compiles every pass; where a content security policy forbids that, returns the interpreter's
 * passes, which give bit-identical results.
 */
export function lowerToJavaScript(program: Program): HostPass[] {
  if (!canGenerateCode()) return interpret(program);
  return program.passes.map((_, i) =>
    new Function(
      "rows",
      "columns",
      "inputs",
      "outputs",
      "scalars",
      "totals",
      "rowSums",
      javascriptSource(program, i),
    ) as HostPass
  );
}

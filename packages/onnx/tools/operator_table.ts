/**
 * The table of operators in docs/onnx_operators.md and the CLI's list of what runs where, made from the rule
 * registry by trying: `deno task operators:write`. `operator_table_test.ts` finds them out of date.
 *
 * @module
 */
import { differentiate } from "../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import { legalize } from "../legalize/legalize.ts";
import type { Target } from "../legalize/target.ts";
import { isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { rules } from "../rules/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";
import { modelOf, type OperatorExample, operatorExamples } from "./operator_examples.ts";

/** A row of the table. */
export interface OperatorRow {
  readonly operator: string;
  readonly since: number;
  /** Undefined: its outputs do not depend on its inputs differentiably. */
  readonly first: boolean | undefined;
  readonly second: boolean | undefined;
  readonly targets: Readonly<Record<"webgpu" | "webgl", "gradient" | "forward" | "no">>;
}

/** Name of an operator, with its domain unless that is the default. */
export function operatorName(of: { readonly opType: string; readonly domain?: string }): string {
  return (of.domain ?? "") === "" ? of.opType : `${of.domain}.${of.opType}`;
}

/** Every operator with a rule, standard ones first, by name. */
export function operatorRows(): OperatorRow[] {
  const examples = new Map(operatorExamples.map((e) => [operatorName(e), e]));
  return rules.map((rule) => {
    const name = operatorName(rule);
    const example = examples.get(name);
    if (example === undefined) throw new Error(`Cannot make the table: "${name}" has no example`);
    return rowOf(name, rule, example);
  }).sort((a, b) =>
    Number(a.operator.includes(".")) - Number(b.operator.includes(".")) ||
    (a.operator < b.operator ? -1 : 1)
  );
}

function rowOf(operator: string, rule: OperatorRule, example: OperatorExample): OperatorRow {
  const none = rule.gradient === "none";
  const values = { ...example.inputs, ...example.constants };
  const by = Object.keys(values).find((name) => isFloating(values[name]!.type));
  const options = { output: "total", trainable: [by ?? ""] };
  const gradient = none
    ? undefined
    : attempt(() => differentiate(modelOf(example, true), options).model);
  const target = (name: Target) => {
    const runs = (model: ModelProto) => attempt(() => legalize(model, name).model) !== undefined;
    if (!runs(modelOf(example))) return "no";
    return none || (gradient !== undefined && runs(gradient)) ? "gradient" : "forward";
  };
  return {
    operator,
    since: rule.since,
    first: none ? undefined : gradient !== undefined,
    second: none
      ? undefined
      : attempt(() => hessianVectorProduct(modelOf(example, true), options)) !== undefined,
    targets: { webgpu: target("webgpu"), webgl: target("webgl") },
  };
}

/** Undefined where it is refused. */
function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof OnnxError) return undefined;
    throw error;
  }
}

const BEGIN = "<!-- operators: deno task operators:write -->";
const END = "<!-- /operators -->";

/** The page with the table between its marks. */
export function withTable(page: string, rows: readonly OperatorRow[]): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot write the table: no "${BEGIN}" … "${END}"`);
  return `${page.slice(0, from)}${BEGIN}\n\n${tableOf(rows)}\n\n${page.slice(to)}`;
}

/** Columns padded as `deno fmt` does. */
function tableOf(rows: readonly OperatorRow[]): string {
  const order = (has: boolean | undefined) => has === undefined ? "constant" : has ? "yes" : "no";
  const target = (has: string) => has === "gradient" ? "yes" : has;
  const cells = [
    ["operator", "opsets", "first order", "second order", "webgpu", "webgl"],
    ...rows.map((row) => [
      row.operator,
      `${row.since}+`,
      order(row.first),
      order(row.second),
      target(row.targets.webgpu),
      target(row.targets.webgl),
    ]),
  ];
  const widths = cells[0]!.map((_, k) => Math.max(...cells.map((row) => row[k]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, k) => cell.padEnd(widths[k]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

/** The module with what the CLI says of operators. */
export function targetsModule(rows: readonly OperatorRow[]): string {
  const set = (target: "webgpu" | "webgl") =>
    rows.filter((row) => row.targets[target] !== "no").map((row) => `  "${row.operator}",\n`)
      .join("");
  return `// Made by \`deno task operators:write\`.
/** Operators whose usual forms \`legalize()\` writes for WebGPU. */
export const runsOnWebgpu: ReadonlySet<string> = new Set([
${set("webgpu")}]);

/** Operators whose usual forms \`legalize()\` writes for WebGL. */
export const runsOnWebgl: ReadonlySet<string> = new Set([
${set("webgl")}]);
`;
}

/** The files that the table goes to, with their contents now and as they should be. */
export function operatorFiles(): { path: URL; current: string; expected: string }[] {
  const rows = operatorRows();
  const page = new URL("../../../docs/onnx_operators.md", import.meta.url);
  const targets = new URL("../cli/operator_targets.ts", import.meta.url);
  const [text, module] = [page, targets].map((path) => Deno.readTextFileSync(path));
  return [
    { path: page, current: text!, expected: withTable(text!, rows) },
    { path: targets, current: module!, expected: targetsModule(rows) },
  ];
}

if (import.meta.main) {
  for (const { path, current, expected } of operatorFiles()) {
    if (current !== expected) Deno.writeTextFileSync(path, expected);
  }
}

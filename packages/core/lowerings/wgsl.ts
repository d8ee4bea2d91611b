/**
 * Lowering to WGSL compute shaders.
 *
 * @module
 */
import type { ArrayShape } from "../kernel/expr.ts";
import type { Program } from "../kernel/program.ts";
import { declarations, type Dialect, floatLiteral } from "./_text.ts";

/** A storage buffer of a stage, at binding `index + 1` of group 0; binding 0 is the uniforms. */
export interface WgslBinding {
  /**
   * An array of the program by name; "sums": one f32 per sum of the program; "partials": what the
   * workgroups of a reduction leave; "rowSums": row sum s of row r at `[s · rows + r]`.
   */
  readonly kind: "array" | "sums" | "partials" | "rowSums";
  readonly name?: string;
  readonly shape?: ArrayShape;
  readonly access: "read" | "read_write";
}

/** One dispatch. */
export interface WgslStage {
  /**
   * - `reduce`: partial sums, one f32 for each of `sums` and workgroup at `[sum][workgroup]`.
   * - `reduceRows`: one workgroup a row, finishes row sums.
   * - `update`: one invocation an element.
   * - `updateRows`: one invocation a row: outputs that have one value a row or tensor. It comes
   *   after `update`, which still reads their old values.
   */
  readonly kind: "reduce" | "reduceRows" | "update" | "updateRows";
  readonly code: string;
  readonly bindings: readonly WgslBinding[];
  /** Indices into `program.sums` of what a reduction completes. */
  readonly sums: readonly number[];
}

/** Invocations in a workgroup of every stage. */
export const wgslWorkgroupSize = 256;
/** Workgroups in x above which a dispatch goes on in y. */
export const wgslMaximumGroups = 65535;

function dialect(program: Program): Dialect {
  return {
    name: "WGSL",
    number: (value) => `f32(${floatLiteral(value)})`,
    scalar: (index) => `uniforms.s${index}`,
    read: (input) =>
      `a_${identifier(program.inputs[input]!.name)}[${
        { element: "i", row: "r", tensor: "0" }[program.inputs[input]!.shape]
      }]`,
    sum: (sum) =>
      program.sums[sum]!.scope === "row" ? `rowSums[${sum}u * uniforms.rows + r]` : `sums[${sum}]`,
    // WGSL may assume that no value is NaN or infinite; bits it cannot assume away.
    isFinite: (a) => `(bitcast<u32>(${a}) & 0x7f800000u) != 0x7f800000u`,
    select: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
    declare: (_, id, value) => `let n${id} = ${value};`,
  };
}

function identifier(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "_");
}

/** `rows` and `columns` as u32, then every scalar of the program as f32. */
function uniformStruct(program: Program): string {
  const members = ["rows: u32", "columns: u32", ...program.scalars.map((_, i) => `s${i}: f32`)];
  return `struct Uniforms { ${
    members.join(", ")
  } }\n@group(0) @binding(0) var<uniform> uniforms: Uniforms;`;
}

function bindingsOf(
  program: Program,
  targets: readonly number[],
  written: readonly number[],
): WgslBinding[] {
  const used = new Set<string>();
  let sums = false;
  let rowSums = false;
  const seen = new Set<number>();
  const walk = (id: number) => {
    if (seen.has(id)) return;
    seen.add(id);
    const node = program.nodes[id]!;
    if (node.op === "read") used.add(program.inputs[node.index!]!.name);
    if (node.op === "sum") {
      if (program.sums[node.index!]!.scope === "row") rowSums = true;
      else sums = true;
    } else node.args.forEach(walk);
  };
  targets.forEach(walk);
  const outputs = written.map((o) => program.outputs[o]!);
  for (const { name } of outputs) used.add(name);
  const all = [...program.inputs, ...program.outputs];
  return [
    ...[...used].map((name): WgslBinding => ({
      kind: "array",
      name,
      shape: all.find((a) => a.name === name)!.shape,
      access: outputs.some((o) => o.name === name) ? "read_write" : "read",
    })),
    ...(sums ? [{ kind: "sums", access: "read" } as const] : []),
    ...(rowSums ? [{ kind: "rowSums", access: "read" } as const] : []),
  ];
}

function declare(bindings: readonly WgslBinding[]): string {
  const name = (b: WgslBinding) => b.kind === "array" ? `a_${identifier(b.name!)}` : b.kind;
  return bindings.map((b, i) =>
    `@group(0) @binding(${i + 1}) var<storage, ${b.access}> ${name(b)}: array<f32>;`
  ).join("\n");
}

const indent = (lines: readonly string[], by: string) => lines.map((l) => by + l).join("\n");
const entry = `@compute @workgroup_size(${wgslWorkgroupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {`;
const span = wgslMaximumGroups * wgslWorkgroupSize;

/** Adds up `total` over the workgroup; the result is in `shared_[0]`. */
const foldWorkgroup = `shared_[local] = total;
workgroupBarrier();
for (var stride = ${wgslWorkgroupSize / 2}u; stride > 0u; stride /= 2u) {
  if (local < stride) { shared_[local] += shared_[local + stride]; }
  workgroupBarrier();
}`.split("\n");
const sharedArray = `var<workgroup> shared_: array<f32, ${wgslWorkgroupSize}>;`;

function reduceStage(program: Program, sums: readonly number[], rows: boolean): WgslStage {
  const nodes = sums.map((s) => program.sums[s]!.node);
  const result: WgslBinding = { kind: rows ? "rowSums" : "partials", access: "read_write" };
  // Row sums of an earlier pass are read from the buffer that takes the new ones.
  const bindings = [
    ...bindingsOf(program, nodes, []).filter((b) => b.kind !== result.kind),
    result,
  ];
  const body = sums.flatMap((s, k) => {
    const node = program.sums[s]!.node;
    const lines = declarations(dialect(program), program, [node]);
    const loop = rows
      ? [
        "for (var c = local; c < uniforms.columns; c += " + wgslWorkgroupSize + "u) {",
        "  let i = r * uniforms.columns + c;",
      ]
      : [
        `for (var i = group.x * ${wgslWorkgroupSize}u + local; i < size; i += groups.x * ${wgslWorkgroupSize}u) {`,
        "  let r = i / max(uniforms.columns, 1u);",
      ];
    return [
      "{",
      "  var total = 0.0;",
      ...loop.map((l) => "  " + l),
      ...lines.map((l) => "    " + l),
      `    total += n${node};`,
      "  }",
      ...foldWorkgroup.map((l) => "  " + l),
      rows
        ? `  if (local == 0u) { rowSums[${s}u * uniforms.rows + r] = shared_[0]; }`
        : `  if (local == 0u) { partials[${k}u * groups.x + group.x] = shared_[0]; }`,
      "  workgroupBarrier();",
      "}",
    ];
  });
  const head = rows
    ? [
      `let r = group.x + group.y * ${wgslMaximumGroups}u;`,
      // Uniform for the whole workgroup, so that the barriers below are reached by all or none.
      "if (r >= uniforms.rows) { return; }",
    ]
    : ["let size = uniforms.rows * uniforms.columns;"];
  const code = [
    uniformStruct(program),
    declare(bindings),
    sharedArray,
    entry,
    indent([...head, ...body], "  "),
    "}",
  ].join("\n");
  return { kind: rows ? "reduceRows" : "reduce", code, bindings, sums };
}

function updateStage(program: Program, outputs: readonly number[], rows: boolean): WgslStage {
  const nodes = outputs.map((o) => program.outputs[o]!.node);
  const bindings = bindingsOf(program, nodes, outputs);
  const lines = declarations(dialect(program), program, nodes);
  const stores = outputs.map((o) => {
    const { name, shape, node } = program.outputs[o]!;
    const at = { element: "i", row: "r", tensor: "0" }[shape];
    const store = `a_${identifier(name)}[${at}] = n${node};`;
    return shape === "tensor" ? `if (r == 0u) { ${store} }` : store;
  });
  const head = rows ? [`let r = id.x + id.y * ${span}u;`, "if (r >= uniforms.rows) { return; }"] : [
    `let i = id.x + id.y * ${span}u;`,
    "if (i >= uniforms.rows * uniforms.columns) { return; }",
    "let r = i / uniforms.columns;",
  ];
  const code = [
    uniformStruct(program),
    declare(bindings),
    entry,
    indent([...head, ...lines, ...stores], "  "),
    "}",
  ].join("\n");
  return { kind: rows ? "updateRows" : "update", code, bindings, sums: [] };
}

/**
 * The program as compute shaders, one list of stages for each pass, arrays updated in place.
 *
 * After the `reduce` stages of all tensors of the step the host runs {@linkcode wgslCombine} to
 * turn partial sums into `sums`.
 */
export function lowerToWgsl(program: Program): WgslStage[][] {
  return program.passes.map((pass) => {
    const wide = pass.sums.filter((s) => program.sums[s]!.scope !== "row");
    const perRow = pass.sums.filter((s) => program.sums[s]!.scope === "row");
    const elements = pass.outputs.filter((o) => program.outputs[o]!.shape === "element");
    const others = pass.outputs.filter((o) => program.outputs[o]!.shape !== "element");
    return [
      ...(perRow.length ? [reduceStage(program, perRow, true)] : []),
      ...(wide.length ? [reduceStage(program, wide, false)] : []),
      ...(elements.length ? [updateStage(program, elements, false)] : []),
      ...(others.length ? [updateStage(program, others, true)] : []),
    ];
  });
}

/**
 * A shader that adds up `count` floats of `partials` from `offset` into `sums[target]`, uniforms
 * `{count, offset, target}`: for sums over a tensor the partials of that tensor, for sums over
 * "all" those of all tensors, laid out one after the other.
 */
export const wgslCombine: string = [
  "struct Uniforms { count: u32, offset: u32, result: u32 }",
  "@group(0) @binding(0) var<uniform> uniforms: Uniforms;",
  "@group(0) @binding(1) var<storage, read> partials: array<f32>;",
  "@group(0) @binding(2) var<storage, read_write> sums: array<f32>;",
  sharedArray,
  `@compute @workgroup_size(${wgslWorkgroupSize})`,
  "fn main(@builtin(local_invocation_index) local: u32) {",
  "  var total = 0.0;",
  `  for (var i = local; i < uniforms.count; i += ${wgslWorkgroupSize}u) { total += partials[uniforms.offset + i]; }`,
  indent(foldWorkgroup, "  "),
  "  if (local == 0u) { sums[uniforms.result] = shared_[0]; }",
  "}",
].join("\n");

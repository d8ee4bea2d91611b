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
   * - `reduce`: partial sums, one f32 for each of `sums` and workgroup, at
   *   `[k · partialCount + first + workgroup]`.
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
      `a_${identifier(program.inputs[input]!.name)}[${at[program.inputs[input]!.shape]}]`,
    sum: (sum) =>
      program.sums[sum]!.scope === "row" ? `rowSums[${sum}u * uniforms.rows + r]` : `sums[${sum}]`,
    // WGSL may assume that no value is NaN or infinite; bits it cannot assume away.
    isFinite: (a) => `(bitcast<u32>(${a}) & 0x7f800000u) != 0x7f800000u`,
    isNaN: (a) => `(bitcast<u32>(${a}) & 0x7fffffffu) > 0x7f800000u`,
    select: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
    declare: (_, id, value) => `let n${id} = ${value};`,
  };
}

function identifier(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "_");
}

/**
 * As u32 `rows`, `columns`, the tensor's `first` partial sum and how many partial sums there are
 * for each sum, then every scalar of the program as f32.
 */
function uniformStruct(program: Program): string {
  const sizes = ["rows", "columns", "first", "partialCount"].map((name) => `${name}: u32`);
  const members = [...sizes, ...program.scalars.map((_, i) => `s${i}: f32`)];
  return `struct Uniforms { ${
    members.join(", ")
  } }\n@group(0) @binding(0) var<uniform> uniforms: Uniforms;`;
}

function bindingsOf(
  program: Program,
  targets: readonly number[],
  written: readonly number[],
  stored: readonly number[] = [],
): WgslBinding[] {
  const used = new Set<string>();
  let sums = false;
  let rowSums = false;
  const seen = new Set<number>();
  const walk = (id: number) => {
    if (seen.has(id)) return;
    seen.add(id);
    const node = program.nodes[id]!;
    const output = stored.find((o) => program.outputs[o]!.node === id);
    if (output !== undefined) {
      used.add(program.outputs[output]!.name);
      return;
    }
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
/** Adds to `total` by `part`s of 64: one long sum in float32 would lose digits. */
const addInBlocks = (value: string) => [
  `part += ${value};`,
  "count += 1u;",
  "if (count % 64u == 0u) { total += part; part = 0.0; }",
];
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
      "  var part = 0.0;",
      "  var count = 0u;",
      ...loop.map((l) => "  " + l),
      ...lines.map((l) => "    " + l),
      ...addInBlocks(`n${node}`).map((l) => "    " + l),
      "  }",
      "  total += part;",
      ...foldWorkgroup.map((l) => "  " + l),
      rows
        ? `  if (local == 0u) { rowSums[${s}u * uniforms.rows + r] = shared_[0]; }`
        : `  if (local == 0u) { partials[${k}u * uniforms.partialCount + uniforms.first + group.x] = shared_[0]; }`,
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

/** Where in its array the value of a row, element or tensor lies. */
const at: Readonly<Record<ArrayShape, string>> = { element: "i", row: "r", tensor: "0" };

function updateStage(
  program: Program,
  outputs: readonly number[],
  rows: boolean,
  stored: readonly number[] = [],
): WgslStage {
  const nodes = outputs.map((o) => program.outputs[o]!.node);
  const bindings = bindingsOf(program, nodes, outputs, stored);
  const texts = stored.map((o) => {
    const { name, shape, node } = program.outputs[o]!;
    return [node, `a_${identifier(name)}[${at[shape]}]`] as const;
  });
  const lines = declarations(dialect(program), program, nodes, new Map(texts));
  const stores = outputs.map((o) => {
    const { name, shape, node } = program.outputs[o]!;
    const store = `a_${identifier(name)}[${at[shape]}] = n${node};`;
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
 * The elementwise outputs in one stage, or, if that needs too many buffers, in two: first what one
 * piece of the chain keeps, then the rest, which reads the new values back instead of making them
 * again. Possible if the rest needs none of that piece's old values.
 */
function updateStages(program: Program, outputs: readonly number[], buffers: number): WgslStage[] {
  const single = updateStage(program, outputs, false);
  if (single.bindings.length <= buffers) return [single];
  const pieceOf = (o: number) => program.outputs[o]!.name.split(".")[0]!;
  let best = [single];
  const total = (stages: readonly WgslStage[]) => stages.reduce((n, s) => n + s.bindings.length, 0);
  for (const piece of new Set(outputs.map(pieceOf))) {
    const first = outputs.filter((o) => pieceOf(o) === piece);
    const rest = outputs.filter((o) => pieceOf(o) !== piece);
    if (rest.length === 0) continue;
    const stages = [
      updateStage(program, first, false),
      updateStage(program, rest, false, first),
    ];
    const names = new Set(first.map((o) => program.outputs[o]!.name));
    const old = readsOf(program, rest, first).some((name) => names.has(name));
    if (old || stages.some((s) => s.bindings.length > buffers)) continue;
    if (best.length === 1 || total(stages) < total(best)) best = stages;
  }
  return best;
}

/**
 * Outputs of one value a row or tensor, in their order, each stage with as many as `buffers` allow;
 * all in one if a later stage would need the old value of what an earlier one writes.
 */
function rowStages(program: Program, outputs: readonly number[], buffers: number): WgslStage[] {
  const parts: number[][] = [];
  for (const output of outputs) {
    const part = [...parts.at(-1) ?? [], output];
    const nodes = part.map((o) => program.outputs[o]!.node);
    if (part.length > 1 && bindingsOf(program, nodes, part).length <= buffers) {
      parts[parts.length - 1] = part;
    } else parts.push([output]);
  }
  const written = new Set<string>();
  const late = parts.some((part) => {
    const needed = readsOf(program, part, []).some((name) => written.has(name));
    for (const o of part) written.add(program.outputs[o]!.name);
    return needed;
  });
  return (late ? [outputs] : parts).map((part) => updateStage(program, part, true));
}

/** Names of the arrays whose old values the outputs need, given that others are stored. */
function readsOf(
  program: Program,
  outputs: readonly number[],
  stored: readonly number[],
): string[] {
  const known = new Set(stored.map((o) => program.outputs[o]!.node));
  const names = new Set<string>();
  const walk = (id: number) => {
    if (known.has(id)) return;
    const { op, args, index } = program.nodes[id]!;
    if (op === "read") names.add(program.inputs[index!]!.name);
    if (op !== "sum") args.forEach(walk);
  };
  outputs.forEach((o) => walk(program.outputs[o]!.node));
  return [...names];
}

/**
 * The program as compute shaders, one list of stages for each pass, arrays updated in place. A
 * stage keeps to `storageBuffers` (8, what every WebGPU device allows, by default) if it can.
 *
 * After the `reduce` stages of all tensors of the step the host runs {@linkcode wgslCombine} to
 * turn partial sums into `sums`.
 */
export function lowerToWgsl(
  program: Program,
  options: { readonly storageBuffers?: number } = {},
): WgslStage[][] {
  const buffers = options.storageBuffers ?? 8;
  return program.passes.map((pass) => {
    const wide = pass.sums.filter((s) => program.sums[s]!.scope !== "row");
    const perRow = pass.sums.filter((s) => program.sums[s]!.scope === "row");
    const elements = pass.outputs.filter((o) => program.outputs[o]!.shape === "element");
    const others = pass.outputs.filter((o) => program.outputs[o]!.shape !== "element");
    return [
      ...(perRow.length ? [reduceStage(program, perRow, true)] : []),
      ...(wide.length ? [reduceStage(program, wide, false)] : []),
      ...(elements.length ? updateStages(program, elements, buffers) : []),
      ...(others.length ? rowStages(program, others, buffers) : []),
    ];
  });
}

/**
 * A shader that turns partial sums into sums: workgroup j adds up `jobs[j].y` floats of `partials`
 * from `jobs[j].x` into `sums[jobs[j].z]`.
 */
export const wgslCombine: string = [
  "@group(0) @binding(0) var<storage, read> jobs: array<vec4<u32>>;",
  "@group(0) @binding(1) var<storage, read> partials: array<f32>;",
  "@group(0) @binding(2) var<storage, read_write> sums: array<f32>;",
  sharedArray,
  `@compute @workgroup_size(${wgslWorkgroupSize})`,
  "fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {",
  "  let job = jobs[group.x];",
  "  var total = 0.0;",
  "  var part = 0.0;",
  "  var count = 0u;",
  `  for (var i = local; i < job.y; i += ${wgslWorkgroupSize}u) {`,
  indent(addInBlocks("partials[job.x + i]"), "    "),
  "  }",
  "  total += part;",
  indent(foldWorkgroup, "  "),
  "  if (local == 0u) { sums[job.z] = shared_[0]; }",
  "}",
].join("\n");

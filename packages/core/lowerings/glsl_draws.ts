/**
 * Lowering to GLSL ES 3.0 fragment shaders that write all results of a pass at once: one render
 * target each, and up to four elements a fragment.
 *
 * @module
 */
import type { ArrayShape } from "../kernel/expr.ts";
import type { Program } from "../kernel/program.ts";
import { laneDialect, type TexelWidth } from "./_lanes.ts";
import { declarations } from "./_text.ts";
import { mentioned } from "./glsl.ts";

export type { TexelWidth };

/** What the shaders are written for. */
export interface GlslDrawOptions {
  /** Of the textures that hold one value an element; all others have one value a texel. */
  readonly width: TexelWidth;
  /** Whether some lanes of these texels are no elements; only with a width of 2 or 4. */
  readonly padded: boolean;
  /** Results that one draw can have. */
  readonly targets: number;
}

/** One fragment shader of a pass. */
export interface GlslDraw {
  /**
   * - `outputs`: a fragment is a texel of the new arrays.
   * - `sums`: fragment f is the sum over `run` texels from `f * run`; to be added up afterwards.
   * - `rowSums`: fragment r is the sum over row r.
   */
  readonly kind: "outputs" | "sums" | "rowSums";
  /** Shape of the results of `outputs`; one of them has one value a texel if not "element". */
  readonly shape: ArrayShape;
  /** Indices into `program.outputs` or `program.sums`, in the order of the targets. */
  readonly results: readonly number[];
  /**
   * The shader. Its input is `uv`, from 0 to 1 over the targets. Its uniforms, each only where it matters: samplers `A<k>` for input k and `S<k>` for
   * sum k, floats `s<k>` for the scalars, and the integers `width` (texels in a line of the arrays'
   * textures, or of the results' where these are not elements), `resultWidth` (of a sum's result),
   * `columns` and `lines` (the tensor's last two dimensions), `across` and `down` (texels that these
   * two take), `texels` and `run`.
   */
  readonly code: string;
  /** Indices of the inputs, sums and scalars that the code uses. */
  readonly reads: readonly number[];
  readonly sums: readonly number[];
  readonly scalars: readonly number[];
}

/** Where texel t is: its row r of the matrix of all rows and columns, and which lanes are elements. */
function position(width: TexelWidth, wants: { row: boolean; inside: boolean }): string[] {
  if (!wants.row && !wants.inside) return [];
  if (width === 1) return ["int r = t / columns;"];
  const line = "int line = t / across;";
  const right = "2 * (t - line * across) + 1 < columns";
  if (width === 2) {
    return [
      line,
      ...(wants.row ? ["int r = line;"] : []),
      ...(wants.inside ? [`bvec2 inside = bvec2(true, ${right});`] : []),
    ];
  }
  return [
    line,
    "int block = line / down;",
    "int below = 2 * (line - block * down);",
    ...(wants.row ? ["int r = block * lines + below;"] : []),
    ...(wants.inside
      ? [
        `bool right = ${right};`,
        "bool under = below + 1 < lines;",
        "bvec4 inside = bvec4(true, right, under, right && under);",
      ]
      : []),
  ];
}

const rowFunction = [
  "float ofRow(highp sampler2D rows, int r) {",
  "int across = textureSize(rows, 0).x;",
  "return texelFetch(rows, ivec2(r % across, r / across), 0).r;",
  "}",
];

function draw(
  program: Program,
  kind: GlslDraw["kind"],
  shape: ArrayShape,
  results: readonly number[],
  options: GlslDrawOptions,
): GlslDraw {
  const single = kind === "outputs" && shape !== "element";
  const width = single ? 1 : options.width;
  const padded = options.padded && width > 1;
  const nodes = results.map((k) => (kind === "outputs" ? program.outputs : program.sums)[k]!.node);
  // Software rasterizers step coordinates from pixel to pixel: twice as fast as to fetch by integers.
  const texel = (sampler: string) =>
    kind === "outputs" ? `texture(${sampler}, uv)` : `texelFetch(${sampler}, at, 0)`;
  const lines = declarations(laneDialect(program, width, texel), program, nodes);
  const body = lines.join("\n");
  const row = /\bofRow\(/.test(body);
  const type = width === 1 ? "float" : `vec${width}`;
  const isWide = (id: number) => width === 1 || program.nodes[id]!.rate !== "tensor";
  const value = (id: number) => isWide(id) ? `n${id}` : `${type}(n${id})`;
  const fragment = "int f = int(gl_FragCoord.y) * resultWidth + int(gl_FragCoord.x);";
  const totals = nodes.map((_, k) => `${type} total${k} = ${type}(0.0);`);
  // A texel's other lanes may hold anything, NaN too. Those of results must be 0: tfjs multiplies
  // matrices with them.
  const masked = (id: number) => padded ? `mix(${type}(0.0), ${value(id)}, inside)` : value(id);

  let main: string[];
  if (kind === "outputs") {
    const rowOf = shape === "element" ? position(width, { row, inside: padded }) : ["int r = t;"];
    const texelOf = (v: string) => width === 2 ? `vec4(${v}, 0.0, 0.0)` : v;
    main = [
      ...(row || padded
        ? ["int t = int(gl_FragCoord.y) * width + int(gl_FragCoord.x);", ...rowOf]
        : []),
      ...lines,
      ...nodes.map((id, k) => `o${k} = ${texelOf(masked(id))};`),
    ];
  } else {
    const at = "ivec2 at = ivec2(t % width, t / width);";
    const step = [at, ...position(width, { row, inside: padded }), ...lines];
    if (kind === "sums") {
      const dense = (k: number) => width === 1 ? `total${k}` : `dot(total${k}, ${type}(1.0))`;
      main = [
        fragment,
        ...totals,
        "int last = min((f + 1) * run, texels);",
        "for (int t = f * run; t < last; t++) {",
        ...step,
        ...nodes.map((id, k) => `total${k} += ${masked(id)};`),
        "}",
        ...nodes.map((_, k) => `o${k} = ${dense(k)};`),
      ];
    } else {
      const start = width < 4 ? ["int first = f * across;"] : [
        "int group = f / lines;",
        "int inner = f - group * lines;",
        "int first = (group * down + inner / 2) * across;",
      ];
      const dense = (k: number) =>
        ({
          1: `total${k}`,
          2: `total${k}.x + total${k}.y`,
          4: `inner % 2 == 0 ? total${k}.x + total${k}.y : total${k}.z + total${k}.w`,
        })[width];
      main = [
        fragment,
        ...start,
        ...totals,
        // By parts of 64: one long sum in float32 would lose digits.
        "for (int start = first; start < first + across; start += 64) {",
        ...nodes.map((_, k) => `${type} part${k} = ${type}(0.0);`),
        "int stop = min(start + 64, first + across);",
        "for (int t = start; t < stop; t++) {",
        ...step,
        ...nodes.map((id, k) => `part${k} += ${masked(id)};`),
        "}",
        ...nodes.map((_, k) => `total${k} += part${k};`),
        "}",
        ...nodes.map((_, k) => `o${k} = ${dense(k)};`),
      ];
    }
  }

  const reads = mentioned(body, /\bA(\d+)\b/g);
  const sums = mentioned(body, /\bS(\d+)\b/g);
  const scalars = mentioned(body, /\bs(\d+)\b/g);
  const out = kind === "outputs" && width > 1 ? "vec4" : "float";
  const integers = "width resultWidth columns lines across down texels run".split(" ");
  const code = [
    "#version 300 es",
    "precision highp float;",
    "precision highp int;",
    ...nodes.map((_, k) => `layout(location = ${k}) out ${out} o${k};`),
    ...(/\buv\b/.test(body) ? ["in highp vec2 uv;"] : []),
    ...reads.map((k) => `uniform highp sampler2D A${k};`),
    ...sums.map((k) => `uniform highp sampler2D S${k};`),
    ...scalars.map((k) => `uniform float s${k};`),
    `uniform int ${integers.join(", ")};`,
    ...(row ? rowFunction : []),
    "void main() {",
    ...main,
    "}",
  ].join("\n");
  return { kind, shape, results, code, reads, sums, scalars };
}

/**
 * The program as fragment shaders with several render targets, one list for each pass. What results of
 * a draw share is computed once.
 */
export function lowerToGlslDraws(
  program: Program,
  options: GlslDrawOptions,
): GlslDraw[][] {
  const { targets } = options;
  const draws = (kind: GlslDraw["kind"], shape: ArrayShape, results: readonly number[]) =>
    Array.from(
      { length: Math.ceil(results.length / targets) },
      (_, d) => draw(program, kind, shape, results.slice(d * targets, (d + 1) * targets), options),
    );
  return program.passes.map((pass) => [
    ...draws("sums", "element", pass.sums.filter((s) => program.sums[s]!.scope !== "row")),
    ...draws("rowSums", "element", pass.sums.filter((s) => program.sums[s]!.scope === "row")),
    ...(["element", "row", "tensor"] as const).flatMap((shape) =>
      draws("outputs", shape, pass.outputs.filter((o) => program.outputs[o]!.shape === shape))
    ),
  ]);
}

/** What WGSL and GLSL say: golden text of the smallest program, structure of larger ones. */
import assert from "node:assert/strict";
import {
  adam,
  chain,
  inverseCurvature,
  learningRate,
  momentum,
  scaleBy,
  sgd,
  signalFraction,
  userCurvature,
} from "../mod.ts";
import { expr } from "../pieces.ts";
import { compileProgram, lowerToGlsl, lowerToGlslDraws, type Program } from "../backend.ts";
import { lowerToWgsl } from "../webgpu.ts";

const plain = { gradientSquares: false, curvature: false };

Deno.test("sgd in WGSL", () => {
  const [[stage, ...stages] = [], ...passes] = lowerToWgsl(sgd().program(plain));
  assert.deepEqual([stages, passes], [[], []]);
  assert.deepEqual(stage, {
    kind: "update",
    sums: [],
    bindings: [
      { kind: "array", name: "weights", shape: "element", access: "read_write" },
      { kind: "array", name: "gradient", shape: "element", access: "read" },
    ],
    code: `struct Uniforms { rows: u32, columns: u32, first: u32, partialCount: u32, s0: f32 }
@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var<storage, read_write> a_weights: array<f32>;
@group(0) @binding(2) var<storage, read> a_gradient: array<f32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * 16776960u;
  if (i >= uniforms.rows * uniforms.columns) { return; }
  let r = i / uniforms.columns;
  let n0 = a_weights[i];
  let n1 = uniforms.s0;
  let n2 = a_gradient[i];
  let n3 = n1 * n2;
  let n4 = n0 - n3;
  a_weights[i] = n4;
}`,
  });
});

Deno.test("sgd in GLSL", () => {
  assert.deepEqual(lowerToGlsl(sgd().program(plain)), [[{
    kind: "output",
    index: 0,
    shape: "element",
    reads: [0, 1],
    sums: [],
    scalars: [0],
    code: `float output0(int i) {
  int r = i / columns;
  float n0 = read0(i);
  float n1 = s0;
  float n2 = read1(i);
  float n3 = n1 * n2;
  float n4 = n0 - n3;
  return n4;
}`,
  }]]);
});

Deno.test("sgd drawn in GLSL, four elements a fragment", () => {
  const options = { width: 4, padded: false, targets: 4 } as const;
  assert.deepEqual(lowerToGlslDraws(sgd().program(plain), options), [[{
    kind: "outputs",
    shape: "element",
    results: [0],
    reads: [0, 1],
    sums: [],
    scalars: [0],
    code: `#version 300 es
precision highp float;
precision highp int;
layout(location = 0) out vec4 o0;
in highp vec2 uv;
uniform highp sampler2D A0;
uniform highp sampler2D A1;
uniform float s0;
uniform int width, resultWidth, columns, lines, across, down, texels, run;
void main() {
vec4 n0 = texture(A0, uv);
float n1 = s0;
vec4 n2 = texture(A1, uv);
vec4 n3 = vec4(n1) * n2;
vec4 n4 = n0 - n3;
o0 = n4;
}`,
  }]]);
});

Deno.test("a draw computes once what its outputs share, and has as many as there are targets", () => {
  const program = adam().program(plain);
  const draws = (targets: number) =>
    lowerToGlslDraws(program, { width: 2, padded: true, targets })[0]!;
  assert.deepEqual(draws(3).map(({ results }) => results), [[0, 1, 2]]);
  assert.deepEqual(draws(2).map(({ results }) => results), [[0, 1], [2]]);
  const [{ code } = { code: "" }] = draws(3);
  assert.equal(code.match(/texture\(/g)!.length, program.inputs.length);
  assert.equal(code.match(/sqrt\(/g)!.length, 1);
  // Beyond the last column there is no element.
  assert.match(code, /inside = bvec2\(true, 2 \* \(t - line \* across\) \+ 1 < columns\)/);
  assert.match(code, /o0 = vec4\(mix\(vec2\(0\.0\), n\d+, inside\), 0\.0, 0\.0\);/);
});

const structure = (program: Program) =>
  lowerToWgsl(program).map((stages) =>
    stages.map(({ kind, sums, bindings }) => ({
      kind,
      sums,
      bindings: bindings.map(({ kind, name, access }) => `${name ?? kind}:${access}`).sort(),
    }))
  );

Deno.test("adam is one dispatch that writes its slots and reads the gradient", () => {
  assert.deepEqual(structure(adam().program(plain)), [[{
    kind: "update",
    sums: [],
    bindings: [
      "gradient:read",
      "inverseRms.to.m:read_write",
      "inverseRms.v:read_write",
      "weights:read_write",
    ],
  }]]);
});

Deno.test("combined with unit norm is a reduction of two sums, then one update", () => {
  const definition = chain(
    scaleBy(signalFraction({ scale: "unit-norm" })),
    scaleBy(inverseCurvature(userCurvature())),
    momentum(),
    learningRate(0.1),
  );
  const moments = ["signalFraction.d", "signalFraction.m"];
  const reduce = {
    kind: "reduce",
    sums: [0, 1],
    bindings: ["gradient", ...moments].map((name) => `${name}:read`).concat("partials:read_write")
      .sort(),
  };
  const curvature = definition.slots.map(({ name }) => name).filter((n) => n.startsWith("inverse"));
  const written = (names: readonly string[]) => names.map((name) => `${name}:read_write`);
  const always = [...written(["momentum.m", "weights", ...moments]), "gradient:read", "sums:read"];
  const [first, [sampled, rest, ...none] = []] = structure(
    definition.program({ ...plain, curvature: true }),
  );
  assert.deepEqual([first, none], [[reduce], []]);
  // Nine buffers are more than every device allows: the curvature goes first, in a stage of its own.
  assert.deepEqual(sampled, {
    kind: "update",
    sums: [],
    bindings: [...written(curvature), "curvature:read"].sort(),
  });
  assert.deepEqual(rest, {
    kind: "update",
    sums: [],
    bindings: [...always, "inverseCurvature.h:read"].sort(),
  });
  // Between samples what the curvature stage keeps is only read.
  const [again, [between] = []] = structure(definition.program(plain));
  assert.deepEqual(again, [reduce]);
  const others = between!.bindings.filter((binding) => !always.includes(binding));
  assert.ok(others.length > 0);
  for (const binding of others) {
    assert.ok(curvature.some((name) => binding === `${name}:read`), binding);
  }
  assert.deepEqual(always.filter((binding) => !between!.bindings.includes(binding)), []);
});

Deno.test("rows' outputs keep to the buffers that a device allows, unless they need each other's old values", () => {
  const many = Array.from({ length: 12 }, (_, i) => `o${i}`);
  const rowsOf = (value: (name: string, i: number) => expr.Expr) => {
    const program = compileProgram({
      outputs: many.map((name, i) => ({ name, shape: "row", value: value(name, i) })),
    });
    return structure(program).flat().filter(({ kind }) => kind === "updateRows")
      .map(({ bindings }) => bindings);
  };
  const apart = rowsOf(() => expr.sum(expr.read("x"), "row"));
  assert.deepEqual(apart.map(({ length }) => length), [8, 6]);
  assert.deepEqual(
    apart.flat().filter((name) => name !== "rowSums:read").sort(),
    many.map((name) => `${name}:read_write`).sort(),
  );
  const bound = rowsOf((_, i) => expr.add(expr.read(many[(i + 11) % 12]!, "row"), 1));
  assert.deepEqual(bound.map(({ length }) => length), [12]);
});

Deno.test("combined with pooling by row reduces rows first and updates rows last", () => {
  const { row, sum, read, mul, add, div } = { ...expr, row: "row" as const };
  const x = read("x"), mass = read("mass", row);
  const program = compileProgram({
    outputs: [
      { name: "x", shape: "element", value: div(x, add(sum(mul(x, x), row), mass)) },
      { name: "mass", shape: row, value: sum(mul(x, x), row) },
      { name: "all", shape: "tensor", value: sum(x, "tensor") },
    ],
  });
  const kinds = lowerToWgsl(program).map((stages) => stages.map(({ kind }) => kind));
  assert.deepEqual(kinds, [["reduceRows", "reduce"], ["update", "updateRows"]]);
  const glsl = lowerToGlsl(program).map((stages) =>
    stages.map(({ kind, shape }) => `${kind} ${shape}`)
  );
  assert.deepEqual(glsl, [["sum element", "sum element"], [
    "output element",
    "output row",
    "output tensor",
  ]]);
  for (const width of [1, 2, 4] as const) {
    const drawn = lowerToGlslDraws(program, { width, padded: width > 1, targets: 4 });
    assert.deepEqual(
      drawn.map((draws) => draws.map(({ kind, shape }) => `${kind} ${shape}`)),
      [["sums element", "rowSums element"], ["outputs element", "outputs row", "outputs tensor"]],
    );
  }
});

Deno.test("literals: a point or an exponent, rounded to float32, never out of range", () => {
  const text = (value: number) => {
    const program = compileProgram({
      outputs: [{ name: "y", shape: "element", value: expr.add(expr.read("x"), value) }],
    });
    return [
      lowerToWgsl(program)[0]![0]!.code.match(/= f32\((.*)\);/)![1],
      lowerToGlsl(program)[0]![0]!.code.match(/float n\d+ = (-?\d.*);/)![1],
    ];
  };
  for (
    const [value, expected] of [[1, "1.0"], [-3, "-3.0"], [0.5, "0.5"], [1e21, "1e+21"]] as const
  ) {
    assert.deepEqual(text(value).map(Number), [Math.fround(value), Math.fround(value)]);
    if (value !== 1e21) assert.deepEqual(text(value), [expected, expected]);
  }
  assert.deepEqual(text(0.1), ["0.10000000149011612", "0.10000000149011612"]);
  assert.deepEqual(text(-0), ["-0.0", "-0.0"]);
  // Beyond the largest float32, (2 − 2⁻²³)·2¹²⁷, there is only infinity, which has no literal.
  const largest = (2 - 2 ** -23) * 2 ** 127;
  assert.deepEqual(text(1e39).map(Number), [largest, largest]);
  assert.deepEqual(text(-1e39).map(Number), [-largest, -largest]);
  assert.throws(() => text(Infinity), {
    name: "RangeError",
    message: "Cannot write Infinity as a float32 literal",
  });
});

/** What WGSL and GLSL say: golden text of the smallest program, structure of larger ones. */
import assert from "node:assert/strict";
import { conformanceCases, heldCases } from "@precond/testing";
import {
  adam,
  type Chain,
  combined,
  compileProgram,
  expr,
  groupsOf,
  lowerToGlsl,
  lowerToWgsl,
  type Program,
  sgd,
  userCurvature,
  wgslCombine,
} from "../mod.ts";

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
    code: `struct Uniforms { rows: u32, columns: u32, s0: f32 }
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
    code: `float value(int i) {
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
  const definition = combined({ scale: "unit-norm", curvature: userCurvature() });
  const slots = ["momentum.m", "signalFraction.d", "signalFraction.m", "weights"];
  const read = ["gradient:read", "signalFraction.d:read", "signalFraction.m:read"];
  const written = slots.map((name) => `${name}:read_write`);
  const reduce = {
    kind: "reduce",
    sums: [0, 1],
    bindings: [...read, "partials:read_write"].sort(),
  };
  const update = (curvature: string[]) => ({
    kind: "update",
    sums: [],
    bindings: [...written, ...curvature, "gradient:read", "sums:read"].sort(),
  });
  const sampled = definition.program({ ...plain, curvature: true });
  assert.deepEqual(structure(sampled), [[reduce], [
    update(["curvature:read", "inverseCurvature.h:read_write"]),
  ]]);
  // Between samples h is only read.
  assert.deepEqual(structure(definition.program(plain)), [[reduce], [
    update(["inverseCurvature.h:read"]),
  ]]);
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
});

const wgslWords =
  "struct var uniform storage read read_write workgroup fn let for if return array f32 u32 " +
  "vec3 builtin compute workgroup_size binding select sqrt abs min max bitcast Uniforms main " +
  "global_invocation_id local_invocation_index workgroup_id num_workgroups workgroupBarrier " +
  "x y rows columns uniforms true false";
const glslWords =
  "float int bool for return value reduce columns sqrt abs min max floatBitsToUint true false";

function check(code: string, words: string, declared: RegExp, given: RegExp) {
  for (const [open, close] of ["()", "{}", "[]"].map((pair) => [...pair])) {
    let depth = 0;
    for (const c of code) {
      depth += Number(c === open) - Number(c === close);
      assert.ok(depth >= 0, code);
    }
    assert.equal(depth, 0, code);
  }
  assert.doesNotMatch(code, /NaN|Infinity|undefined|null|\[object/);
  const known = new Set(words.split(" "));
  for (const [, name] of code.matchAll(declared)) known.add(name!);
  // Numbers first: an exponent's e is no identifier.
  const text = code.replace(/\b(0x[0-9a-f]+u|\d[\d.]*(e[+-]?\d+)?u?)/g, " ").replace(/@group/g, "");
  for (const [name] of text.matchAll(/[A-Za-z_]\w*/g)) {
    assert.ok(known.has(name) || given.test(name), `"${name}" is not declared in\n${code}`);
  }
  // Each n is declared before its first use.
  const seen = new Set<string>();
  for (const line of code.split("\n")) {
    const [, name, value] = line.match(/^\s*(?:let|float|bool) (n\d+) = (.*)$/) ?? [];
    if (/^\s*(\{|.*\bfor \(|float value)/.test(line)) seen.clear();
    for (const [used] of (value ?? line).matchAll(/\bn\d+\b/g)) assert.ok(seen.has(used), line);
    if (name) {
      assert.ok(!seen.has(name), `${name} is declared twice in\n${code}`);
      seen.add(name);
    }
  }
}

Deno.test("every conformance case gives well-formed shaders", () => {
  for (const { definition } of [...conformanceCases, ...heldCases]) {
    for (const { chain } of groupsOf(definition())) {
      for (const fresh of [plain, { gradientSquares: true, curvature: true }]) {
        const program = chain.program(fresh);
        for (const { code, bindings } of lowerToWgsl(program).flat()) {
          check(
            code,
            wgslWords,
            /(?:let|var|var<[^>]*>|s\d+:|,) ?(\w+)(?= ?[:=])/g,
            /^(s\d+|id|local|group|groups)$/,
          );
          bindings.forEach((_, i) => assert.ok(code.includes(`@binding(${i + 1}) `)));
          assert.ok(!code.includes(`@binding(${bindings.length + 1})`));
          // Float literals have a point or an exponent.
          for (const [, n] of code.matchAll(/f32\(([^)]*)\)/g)) {
            assert.match(n!, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/);
          }
          for (const [, n] of code.matchAll(/f32\(([^)]*)\)/g)) assert.match(n!, /[.e]/);
        }
        for (const { code, reads, sums, scalars } of lowerToGlsl(program).flat()) {
          check(code, glslWords, /(?:float|int|bool) (\w+)/g, /^(read|sum|s)\d+$/);
          for (const [, n] of code.matchAll(/float n\d+ = (-?[\d.e+-]+);/g)) {
            assert.match(n!, /[.e]/);
          }
          const listed = (kind: string, indices: readonly number[]) => {
            const used = [...code.matchAll(new RegExp(`\\b${kind}(\\d+)\\b`, "g"))].map((m) =>
              Number(m[1])
            );
            assert.deepEqual([...new Set(used)].sort((a, b) => a - b), indices, code);
          };
          listed("read", reads);
          listed("sum", sums);
          listed("s", scalars);
        }
      }
    }
  }
});

Deno.test("the combining shader is well-formed", () => {
  check(wgslCombine, wgslWords, /(?:let|var|,|\{|var<[^>]*>) ?(\w+)(?= ?[:=])/g, /^local$/);
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
  for (const value of [Infinity, 1e39, -1e39]) {
    assert.throws(() => text(value), {
      name: "RangeError",
      message: /^Cannot write .* as a float32 literal$/,
    });
  }
});

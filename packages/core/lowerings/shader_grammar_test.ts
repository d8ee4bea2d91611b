/** Every conformance case as WGSL and GLSL: balanced, declared before use, literals that parse. */
import assert from "node:assert/strict";
import { conformanceCases, heldCases } from "@precond/testing";
import { groupsOf, lowerToGlsl, lowerToGlslDraws } from "../backend.ts";
import { lowerToWgsl, wgslCombine } from "../webgpu.ts";

const plain = { gradientSquares: false, curvature: false };

const wgslWords =
  "struct var uniform storage read read_write workgroup fn let for if return array f32 u32 " +
  "vec3 vec4 builtin compute workgroup_size binding select sqrt abs min max bitcast Uniforms main " +
  "global_invocation_id local_invocation_index workgroup_id num_workgroups workgroupBarrier " +
  "x y z rows columns uniforms true false";
const glslWords =
  "float int bool for return value reduce columns sqrt abs min max floatBitsToUint true false";
/** And what only whole shaders have. */
const drawWords =
  `${glslWords} version es precision highp layout location in out uniform void main ` +
  "sampler2D texture texelFetch textureSize gl_FragCoord vec2 vec4 ivec2 bvec2 bvec4 uvec2 uvec4 " +
  "mix dot not lessThan lessThanEqual greaterThan greaterThanEqual equal notEqual " +
  "width resultWidth lines across down texels run r rg x y z w xxyy";

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
    const [, name, value] = line.match(/^\s*(?:let|float|bool|b?vec\d) (n\d+) = (.*)$/) ?? [];
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
        for (const [width, padded] of [[1, false], [2, true], [4, false], [4, true]] as const) {
          const drawn = lowerToGlslDraws(program, { width, padded, targets: 4 });
          for (const { code, results } of drawn.flat()) {
            check(
              code,
              drawWords,
              /(?:float|int|bool|b?vec\d|ivec2|sampler2D) (\w+)/g,
              /^[AS]\d+$|^s\d+$/,
            );
            assert.equal(code.match(/\bo\d+ = /g)!.length, results.length);
            for (const [, n] of code.matchAll(/float n\d+ = (-?[\d.e+-]+);/g)) {
              assert.match(n!, /[.e]/);
            }
          }
        }
      }
    }
  }
});

Deno.test("the combining shader is well-formed", () => {
  check(wgslCombine, wgslWords, /(?:let|var|,|\{|var<[^>]*>) ?(\w+)(?= ?[:=])/g, /^(local|group)$/);
});

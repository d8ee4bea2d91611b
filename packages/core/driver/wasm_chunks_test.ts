import { assertAllClose, random } from "@precond/testing";
import assert from "node:assert/strict";
import { adam, chain, sgd, signalNewton, unitNorm, userCurvature } from "../mod.ts";
import { lowerToJavaScript } from "../backend.ts";
import type { Definition } from "../mod.ts";
import type { Program } from "../backend.ts";
import type { Chain } from "../mod.ts";
import { fastHostPasses } from "./wasm_chunks.ts";

const plain = { curvature: false, gradientSquares: false };

function run(program: Program, fast: boolean, size: number): Float32Array[] {
  const { normal } = random(3);
  const array = () => Float32Array.from({ length: size }, () => 1 + normal() ** 2);
  const inputs = program.inputs.map(array);
  const outputs = program.outputs.map(({ name }) =>
    name === "weights"
      ? new Float32Array(size)
      : inputs[program.inputs.findIndex((a) => a.name === name)]!
  );
  const passes = fast ? fastHostPasses(program) : lowerToJavaScript(program);
  const scalars = Float64Array.from(program.scalars, (_, i) => 0.1 + i / 100);
  passes[0]!(1, size, inputs, outputs, scalars, new Float64Array(0), []);
  return outputs;
}

for (const size of [0, 1, 8191, 8192, 8193, 20_003]) {
  Deno.test(`fastHostPasses() agrees with JavaScript on ${size} elements`, () => {
    const chains: Definition[] = [
      adam(),
      sgd({ momentum: 0.9 }),
      signalNewton({ curvature: userCurvature() }),
    ];
    for (const definition of chains as Chain[]) {
      const program = definition.program(plain);
      const [fast, slow] = [run(program, true, size), run(program, false, size)];
      fast.forEach((array, i) =>
        assertAllClose(array, slow[i]!, { relative: 1e-5, absolute: 1e-6 })
      );
    }
  });
}

Deno.test("fastHostPasses() leaves programs with sums to JavaScript", () => {
  const program = chain(unitNorm()).program(plain);
  assert.equal(fastHostPasses(program).length, 2);
});

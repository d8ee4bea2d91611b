/**
 * The cases of a group on cpu and wasm, and what they reach.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { tapeEngine, type TapeNode } from "../_tape.ts";
import { randomVectors } from "../_testing.ts";
import { hessianVectorProduct } from "../mod.ts";
import { verifiedKernels } from "../verified.ts";
import { checkCase, lossOf, type OpCase } from "./operations.ts";

/** Float32 gradients over steps of 1e-2, measured up to 1e-4. */
const tolerance = 3e-4;

/** Collects the kernels that recorded backward passes go through while `f` runs. */
async function kernelsOf(f: () => Promise<void>): Promise<Set<string>> {
  const engine = tapeEngine(), { addTapeNode } = engine;
  const kernels = new Set<string>();
  engine.addTapeNode = function (...node) {
    addTapeNode.apply(engine, node);
    const added: TapeNode = engine.state.activeTape!.at(-1)!;
    const { gradient } = added;
    if (!gradient) return;
    added.gradient = (dys) => {
      if (engine.state.gradientDepth > 0) kernels.add(added.kernelName);
      return gradient(dys);
    };
  };
  try {
    await f();
  } finally {
    engine.addTapeNode = addTapeNode;
  }
  return kernels;
}

/**
 * Tests every case on cpu and wasm, and that they reach every kernel of a group and the named
 * `tf.customGrad` operations.
 */
export function testOps(
  group: keyof typeof verifiedKernels,
  cases: readonly OpCase[],
  custom: readonly string[] = [],
): void {
  const reached = new Set<string>();
  for (const backend of ["cpu", "wasm"]) {
    for (const test of cases) {
      const { name, wasm } = test;
      if (backend === "wasm" && wasm === "skip") continue;
      Deno.test(`${name} on ${backend}: Hv is the derivative of the gradient`, async () => {
        await tf.setBackend(backend);
        const before = tf.memory().numTensors;
        if (backend === "wasm" && wasm instanceof RegExp) {
          const { w, loss, dispose } = lossOf(test);
          const vectors = randomVectors([w], 3);
          assert.throws(() => hessianVectorProduct(loss, [w], vectors), { message: wasm });
          dispose();
          tf.dispose(vectors);
        } else {
          const kernels = await kernelsOf(async () => {
            const error = await checkCase(test, tolerance);
            if (Deno.env.has("PRECOND_ERRORS")) console.log(`${name}\t${error.toExponential(1)}`);
          });
          for (const kernel of kernels) reached.add(kernel);
        }
        assert.equal(tf.memory().numTensors, before, "no tensor is left");
      });
    }
  }
  Deno.test(`the ${group} tests reach every kernel that the pack calls verified`, () => {
    assert.deepEqual(
      [...verifiedKernels[group], ...custom].filter((name) => !reached.has(name)),
      [],
    );
  });
}

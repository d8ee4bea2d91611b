/** @module */
import {
  type GlslStage,
  type Kernel,
  type KernelCall,
  lowerToGlsl,
  type Program,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { WebglBackend } from "./internals.ts";
import { runPasses, type Sums } from "./passes.ts";

/** Elements that one fragment of a reduction adds up. */
const run = 256;
/** Texture units that every WebGL 2 context has. */
const maximumTextures = 16;

const unique = (lists: readonly (readonly number[])[]) =>
  [...new Set(lists.flat())].sort((a, b) => a - b);

/** Declarations for a group of functions that are compiled into one program. */
function prelude(stages: readonly GlslStage[]) {
  const reads = unique(stages.map((s) => s.reads));
  const sums = unique(stages.map((s) => s.sums));
  const scalars = unique(stages.map((s) => s.scalars));
  const code = [
    ...reads.map((k) => `float read${k}(int at) { return getA${k}(at); }`),
    ...sums.map((k) => `float sum${k}(int at) { return getS${k}(at); }`),
    ...stages.map((s) => s.code),
  ].join("\n");
  return { reads, sums, scalars, code };
}

/**
 * Kernels as programs that tfjs runs, with its own functions to read elements: one draw for all outputs
 * of a variable. Works wherever custom programs do. Undefined if the program reads too many textures.
 */
export function fetchedKernel(program: Program): Kernel<tf.Tensor> | undefined {
  const passes = lowerToGlsl(program);
  const tooMany = passes.some((stages) => {
    const { reads, sums } = prelude(stages);
    return reads.length + sums.length > maximumTextures;
  });
  if (tooMany) return undefined;

  const draw = (
    stages: readonly GlslStage[],
    call: KernelCall<tf.Tensor>,
    known: Sums,
    main: string,
    length: number,
  ): tf.Tensor => {
    const { reads, sums, scalars, code } = prelude(stages);
    const flat = (t: tf.Tensor) => tf.reshape(t, [t.size]);
    const output = (tf.backend() as unknown as WebglBackend).runWebGLProgram(
      {
        variableNames: [...reads.map((k) => `A${k}`), ...sums.map((k) => `S${k}`)],
        outputShape: [length],
        userCode: `${code}\nvoid main() {\n${main}\n}`,
        customUniforms: [
          { name: "columns", type: "int" },
          { name: "size", type: "int" },
          ...scalars.map((k) => ({ name: `s${k}`, type: "float" } as const)),
        ],
      },
      [...reads.map((k) => flat(call.inputs[k]!)), ...sums.map((k) => flat(known[k]!))],
      "float32",
      [[call.columns], [call.rows * call.columns], ...scalars.map((k) => [call.scalars[k]!])],
    );
    return tf.engine().makeTensorFromTensorInfo(output);
  };

  const reduce = (stage: GlslStage, call: KernelCall<tf.Tensor>, known: Sums): tf.Tensor => {
    const { rows, columns } = call;
    const s = stage.index;
    if (program.sums[s]!.scope === "row") {
      const main = `setOutput(reduce${s}(getOutputCoords() * columns, columns));`;
      return draw([stage], call, known, main, rows);
    }
    const main = `int first = getOutputCoords() * ${run};\n` +
      `setOutput(reduce${s}(first, min(${run}, size - first)));`;
    const partials = draw([stage], call, known, main, Math.ceil(rows * columns / run));
    return tf.reshape(tf.sum(partials), [1]);
  };

  const update = (
    stages: readonly GlslStage[],
    call: KernelCall<tf.Tensor>,
    known: Sums,
  ): tf.Tensor[] => {
    const result: tf.Tensor[] = [];
    for (const shape of ["element", "row", "tensor"] as const) {
      const group = stages.filter((s) => s.shape === shape);
      if (group.length === 0) continue;
      const { rows, columns } = call;
      const length = { element: rows * columns, row: rows, tensor: 1 }[shape];
      // tfjs draws into one target: the outputs of a variable lie one after the other.
      const branches = group.map(({ index }, k) =>
        `${k === 0 ? "" : "else "}if (which == ${k}) setOutput(output${index}(at));`
      );
      const main = [
        "int index = getOutputCoords();",
        `int which = index / ${length};`,
        `int at = index - which * ${length};`,
        ...branches,
      ].join("\n");
      const all = draw(group, call, known, main, group.length * length);
      group.forEach(({ index }, k) => {
        const old = call.outputs[index]!;
        // A contiguous slice is a view on the same texture.
        result[index] = tf.reshape(tf.slice(all, [k * length], [length]), old.shape);
      });
    }
    return result;
  };

  const stagesOf = (pass: number, kind: GlslStage["kind"]) =>
    passes[pass]!.filter((stage) => stage.kind === kind);
  return {
    run: (calls) =>
      runPasses(program, calls, {
        sums: (pass, call, known) =>
          stagesOf(pass, "sum").map((stage) => reduce(stage, call, known)),
        outputs: (pass, call, known) => update(stagesOf(pass, "output"), call, known),
      }),
  };
}

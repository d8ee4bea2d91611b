/** @module */
import {
  type GlslStage,
  type Kernel,
  type KernelCall,
  lowerToGlsl,
  type Program,
} from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";

interface WebglProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly userCode: string;
  readonly customUniforms: readonly { readonly name: string; readonly type: "float" | "int" }[];
}

/** What this file uses of tfjs-backend-webgl. */
interface WebglBackend {
  runWebGLProgram(
    program: WebglProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: "float32",
    uniforms: readonly (readonly number[])[],
  ): tf.TensorInfo;
}

/** Elements that one fragment of a reduction adds up. */
const run = 256;
/** Texture units that every WebGL 2 context has. */
const maximumTextures = 16;

type Sums = (tf.Tensor | undefined)[];

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
 * Kernels as fragment shaders, one draw for all outputs of a variable; nothing is read back.
 * Undefined where textures hold half floats only, or the program reads too many of them.
 */
export function webglKernelFor(program: Program): Kernel<tf.Tensor> | undefined {
  const backend = tf.backend() as unknown as WebglBackend;
  // floatPrecision() says 16 exactly where float32 can be rendered: the flag is right.
  if (!tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) return undefined;
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
    const output = backend.runWebGLProgram(
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
  ): (tf.Tensor | undefined)[] => {
    const result: (tf.Tensor | undefined)[] = program.outputs.map(() => undefined);
    for (const shape of ["element", "row", "tensor"] as const) {
      const group = stages.filter((s) => s.shape === shape);
      if (group.length === 0) continue;
      const { rows, columns } = call;
      const length = { element: rows * columns, row: rows, tensor: 1 }[shape];
      // A fragment shader has one result: the outputs of a variable lie one after the other.
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
        result[index] = tf.keep(tf.reshape(tf.slice(all, [k * length], [length]), old.shape));
      });
    }
    return result;
  };

  return {
    run: (calls) =>
      tf.tidy(() => {
        const known: Sums[] = calls.map(() => program.sums.map(() => undefined));
        let results: (tf.Tensor | undefined)[][] = [];
        for (const stages of passes) {
          const sums = stages.filter(({ kind }) => kind === "sum");
          const found = calls.map((call, i) =>
            sums.map((stage) => call.rows === 0 ? tf.zeros([1]) : reduce(stage, call, known[i]!))
          );
          sums.forEach(({ index }, k) => {
            const all = program.sums[index]!.scope === "all"
              ? found.map((list) => list[k]!).reduce((a, b) => tf.add(a, b))
              : undefined;
            calls.forEach((_, i) => known[i]![index] = all ?? found[i]![k]!);
          });
          const outputs = stages.filter(({ kind }) => kind === "output");
          results = calls.map((call, i) =>
            call.rows === 0
              ? call.outputs.map((t) => tf.keep(tf.clone(t)))
              : update(outputs, call, known[i]!)
          );
        }
        return calls.map((_, i) => ({ outputs: results[i] as tf.Tensor[], held: false }));
      }),
  };
}

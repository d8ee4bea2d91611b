/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { onArrays, type WasmBackend } from "../host.ts";
import { floatInputs, type Kernel, runKernel, sizeOf } from "./_kernel.ts";

/** An array whose axes have letters. */
interface Lettered {
  readonly letters: string;
  readonly tensor: tf.TensorInfo;
}

/** Runs kernels and disposes what they gave but the last. */
function work(backend: WasmBackend) {
  const made: tf.TensorInfo[] = [];
  const run = (name: string, inputs: tf.NamedTensorInfoMap, attrs?: Record<string, unknown>) => {
    const result = runKernel(backend, name, inputs, attrs);
    made.push(result);
    return result;
  };
  return {
    run,
    /** Axes in the order of the letters, those it lacks left out. */
    ordered({ letters, tensor: x }: Lettered, order: string): tf.TensorInfo {
      const perm = [...order].map((letter) => letters.indexOf(letter));
      return perm.every((axis, i) => axis === i) ? x : run(tf.Transpose, { x }, { perm });
    },
    reshaped: (x: tf.TensorInfo, shape: number[]) => run(tf.Reshape, { x }, { shape }),
    summed({ letters, tensor }: Lettered, keep: string): Lettered {
      const axis = [...letters].flatMap((letter, i) => keep.includes(letter) ? [] : [i]);
      if (axis.length === 0) return { letters, tensor };
      const kept = [...letters].filter((letter) => keep.includes(letter)).join("");
      return { letters: kept, tensor: run(tf.Sum, { x: tensor }, { axis, keepDims: false }) };
    },
    /** Hands one array out, and disposes the others. */
    finish(result: tf.TensorInfo): tf.TensorInfo {
      // An input that nothing was done to is not ours to hand out.
      const owned = made.includes(result) ? result : run(tf.Identity, { x: result });
      for (const t of made) if (t !== owned) backend.disposeData(t.dataId);
      return owned;
    },
  };
}

/** `Einsum` of one or two float32 arrays, by one batch matrix product. */
export const einsum: Kernel = (call) => {
  const { inputs, attrs, backend } = call, equation = attrs.equation as string;
  const count = Object.keys(inputs).length;
  const arrays = Object.values(floatInputs(tf.Einsum, call, Object.keys(inputs)));
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, count);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, arrays as tf.Tensor[]);
  const output = equation.replace(/\s/g, "").split("->")[1]!;
  if (new Set(output).size < output.length) {
    throw new TypeError(
      `Cannot run ${tf.Einsum} on wasm: the output is expected to have each letter once, current equation is ${equation}`,
    );
  }
  const letters = idDims.map((dims) => dims.map((d) => allDims[d]!).join(""));
  const { ordered, reshaped, run, summed, finish } = work(backend);
  const sizes = new Map(letters.flatMap((l, k) => [...l].map((a, i) => [a, arrays[k]!.shape[i]!])));
  const shape = (of: string) => [...of].map((letter) => sizes.get(letter)!);
  const size = (of: string) => tf.util.sizeFromShape(shape(of));
  if (arrays.some((array) => sizeOf(array) === 0)) {
    // XNNPACK refuses arrays without elements; a sum over none is 0.
    const zeros = backend.makeOutput(shape(output), "float32");
    onArrays(backend, { kernel: tf.Einsum, inputs: [], outputs: [zeros] }, () => {});
    return zeros;
  }
  const terms = arrays.map((tensor, i) => {
    const others = letters.filter((_, k) => k !== i).join("");
    return summed({ letters: letters[i]!, tensor }, output + others);
  });
  const [a, b] = terms as [Lettered, Lettered?];
  if (!b) return finish(ordered(a, output));

  const pick = (from: string, which: (letter: string) => boolean) =>
    [...from].filter(which).join("");
  const shared = (letter: string) => a.letters.includes(letter) && b.letters.includes(letter);
  const batch = pick(output, shared), rows = pick(output, (l) => !b.letters.includes(l));
  const columns = pick(output, (l) => !a.letters.includes(l));
  const contracted = pick(a.letters, (l) => shared(l) && !output.includes(l));
  const left = ordered(a, batch + rows + contracted);
  const right = ordered(b, batch + contracted + columns);
  const product = rows + columns + contracted === ""
    ? run(tf.Multiply, { a: left, b: right })
    : run(tf.BatchMatMul, {
      a: reshaped(left, [size(batch), size(rows), size(contracted)]),
      b: reshaped(right, [size(batch), size(contracted), size(columns)]),
    }, { transposeA: false, transposeB: false });
  const made = batch + rows + columns;
  return finish(ordered({ letters: made, tensor: reshaped(product, shape(made)) }, output));
};

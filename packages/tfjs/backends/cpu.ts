/** @module */
import {
  fastHostPasses,
  type Kernel,
  multiplyArrays,
  type ProductCall,
  type Program,
  runPasses,
  weightsName,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

/** What this file uses of tfjs-backend-cpu. */
interface CpuBackend {
  readonly data: { get(id: object): { values: Float32Array } };
}

/** The arrays behind tensors of the active backend. */
function valuesOf(): (tensor: tf.Tensor) => Float32Array {
  const { data } = tf.backend() as unknown as CpuBackend;
  return ({ dataId }) => data.get(dataId).values;
}

/** Products on the cpu backend's own arrays. */
export function multiplyOnCpu(calls: readonly ProductCall<tf.Tensor>[]): boolean {
  const values = valuesOf();
  for (const call of calls) {
    multiplyArrays({ ...call, a: values(call.a), b: values(call.b), out: values(call.out) });
  }
  return true;
}

/** Kernels on the cpu backend's own arrays. */
export function cpuKernel(program: Program): Kernel<tf.Tensor> {
  const passes = fastHostPasses(program);
  return {
    run(calls) {
      const values = valuesOf();
      const arrays = calls.map(({ inputs, outputs }) => ({
        inputs: inputs.map(values),
        // Other tensors may share the weights' buffer (clone, reshape); slots are ours alone.
        outputs: program.outputs.map(({ name }, o) => {
          const current = values(outputs[o]!);
          return name === weightsName ? new Float32Array(current.length) : current;
        }),
      }));
      const indices = new Map(calls.map((call, i) => [call, i]));
      const held = runPasses(program, calls, (p, call, totals, rowSums) => {
        const { rows, columns, scalars } = call;
        const { inputs, outputs } = arrays[indices.get(call)!]!;
        const [r, c] = program.usesRows ? [rows, columns] : [1, rows * columns];
        return passes[p]!(r, c, inputs, outputs, scalars, totals, rowSums);
      });
      return calls.map((call, i) => ({
        held: held[i]!,
        outputs: program.outputs.map(({ name }, o) => {
          const old = call.outputs[o]!;
          return name === weightsName
            ? tf.keep(tf.tensor(arrays[i]!.outputs[o]!, old.shape, "float32"))
            : old;
        }),
      }));
    },
  };
}

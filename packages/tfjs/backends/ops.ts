/** @module */
import type { Kernel, KernelCall, Program } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

const unary: Record<string, (a: tf.Tensor) => tf.Tensor> = {
  neg: tf.neg,
  abs: tf.abs,
  sqrt: tf.sqrt,
  isFinite: tf.isFinite,
  not: tf.logicalNot,
};
const binary: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  min: tf.minimum,
  max: tf.maximum,
  lt: tf.less,
  le: tf.lessEqual,
  gt: tf.greater,
  ge: tf.greaterEqual,
  eq: tf.equal,
  and: tf.logicalAnd,
  or: tf.logicalOr,
};

/** Backends that add in order in one float32 (wasm) lose digits beyond some hundred summands. */
const block = 256;

/** Sums over the last axis of [rows, columns], in blocks: as [rows, 1]. */
function sumRows(values: tf.Tensor): tf.Tensor {
  const rows = values.shape[0]!;
  let columns = values.shape[1]!;
  while (columns > block) {
    const blocks = Math.ceil(columns / block);
    const missing = blocks * block - columns;
    if (missing > 0) values = tf.pad(values, [[0, 0], [0, missing]]);
    values = tf.reshape(tf.sum(tf.reshape(values, [rows * blocks, block]), 1), [rows, blocks]);
    columns = blocks;
  }
  return tf.sum(values, 1, true);
}

/** The sum of all elements, as [1, 1]. */
const sumAll = (values: tf.Tensor): tf.Tensor => sumRows(tf.reshape(values, [1, values.size]));

/**
 * The program as plain tf ops: runs on every backend, one launch an operation. A held step is
 * held on the device, but not known here: its step counts advance.
 */
export function opsKernel(program: Program): Kernel<tf.Tensor> {
  const { nodes, sums, inputs, outputs } = program;

  /** Values of the nodes for each call, as [rows, columns], [rows, 1] or [1, 1]. */
  const evaluator = (calls: readonly KernelCall<tf.Tensor>[]) => {
    const memos = calls.map(() => new Map<number, tf.Tensor>());
    const overAll = new Map<number, tf.Tensor>();
    const value = (i: number, id: number): tf.Tensor => {
      const known = memos[i]!.get(id);
      if (known) return known;
      const result = compute(i, id);
      memos[i]!.set(id, result);
      return result;
    };
    const spread = (i: number, id: number): tf.Tensor => {
      const { rows, columns } = calls[i]!;
      // A sum runs over elements, also where its argument is the same for all of them.
      return nodes[id]!.rate === "element"
        ? value(i, id)
        : tf.broadcastTo(value(i, id), [rows, columns]);
    };
    const compute = (i: number, id: number): tf.Tensor => {
      const node = nodes[id]!;
      const { rows, columns, scalars, inputs: arrays } = calls[i]!;
      const arg = (k: number) => value(i, node.args[k]!);
      if (unary[node.op]) return unary[node.op]!(arg(0));
      if (binary[node.op]) return binary[node.op]!(arg(0), arg(1));
      switch (node.op) {
        case "const":
          return tf.tensor2d([node.value!], [1, 1]);
        case "scalar":
          return tf.tensor2d([scalars[node.index!]!], [1, 1]);
        case "read": {
          const { shape } = inputs[node.index!]!;
          const view = { element: [rows, columns], row: [rows, 1], tensor: [1, 1] }[shape];
          return tf.reshape(arrays[node.index!]!, view);
        }
        case "select":
          return tf.where(arg(0), arg(1), arg(2));
        case "sum": {
          const { node: summand, scope } = sums[node.index!]!;
          if (scope === "row") return sumRows(spread(i, summand));
          if (scope === "tensor") return sumAll(spread(i, summand));
          let total = overAll.get(id);
          if (!total) {
            total = sumAll(tf.concat(calls.map((_, k) => sumAll(spread(k, summand)))));
            overAll.set(id, total);
          }
          return total;
        }
        default:
          throw new TypeError(`Cannot run as tf ops: unknown operator ${node.op}`);
      }
    };
    return { value };
  };

  return {
    run(calls) {
      const engine = tf.engine();
      const made: tf.Tensor[] = [];
      const compute = () => {
        const { value } = evaluator(calls);
        return calls.map((call, i) =>
          outputs.map(({ node, shape }, o) => {
            const { rows, columns } = call;
            const view = { element: [rows, columns], row: [rows, 1], tensor: [1, 1] }[shape];
            const full = tf.broadcastTo(value(i, node), view);
            // A view of an input must not be disposed with it.
            const output = tf.keep(tf.clone(tf.reshape(full, call.outputs[o]!.shape)));
            made.push(output);
            return output;
          })
        );
      };
      try {
        engine.startScope("precond");
        return compute().map((outputs) => ({ outputs, held: false }));
      } catch (error) {
        tf.dispose(made);
        throw error;
      } finally {
        engine.endScope();
      }
    },
  };
}

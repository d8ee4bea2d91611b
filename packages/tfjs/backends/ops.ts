/** @module */
import {
  type HostOperations,
  type Kernel,
  type Program,
  runOperations,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

/** Scopes dispose what is made. */
const operations: HostOperations<tf.Tensor> = {
  operators: {
    neg: tf.neg,
    abs: tf.abs,
    sqrt: tf.sqrt,
    isFinite: tf.isFinite,
    not: tf.logicalNot,
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
    select: tf.where,
  },
  constant: (value) => tf.tensor2d([value], [1, 1]),
  reshape: tf.reshape,
  broadcast: tf.broadcastTo,
  pad: (tensor, columns) => tf.pad(tensor, [[0, 0], [0, columns]]),
  stack: (tensors) => tf.concat(tensors),
  sum: (tensor) => tf.sum(tensor, 1, true),
  again: (tensor) => tensor,
  release() {},
};

/**
 * The program as plain tf ops: runs on every backend, one launch an operation. A held step is
 * held on the device, but not known here: its step counts advance.
 */
export function opsKernel(program: Program): Kernel<tf.Tensor> {
  return {
    run: (calls) =>
      tf.tidy("precond", () => {
        const given = calls.map(({ rows, columns, inputs, scalars }) => ({
          ...{ rows, columns, inputs },
          scalar: (index: number) => operations.constant(scalars[index]!),
        }));
        const results = runOperations(program, given, operations).map((list, i) => ({
          // A view of an input must not be disposed with it.
          outputs: list.map((tensor, o) =>
            tf.clone(tf.reshape(tensor, calls[i]!.outputs[o]!.shape))
          ),
          held: false,
        }));
        for (const { outputs } of results) outputs.forEach(tf.keep);
        return results;
      }),
  };
}

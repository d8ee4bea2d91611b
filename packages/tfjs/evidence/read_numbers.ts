/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** As many as one shader of webgl joins without another pass, and again as many of those. */
const together = 32;

/**
 * The numbers in tensors of one element each, as they are now: later steps write into slots in place.
 */
export async function readNumbers(tensors: readonly tf.Tensor[]): Promise<number[]> {
  const joined: tf.Tensor[] = [];
  try {
    for (let i = 0; i < tensors.length; i += together) {
      const part = tensors.slice(i, i + together);
      // Of a single tensor concat() makes a clone, which is no copy.
      const list = part.length === 1 ? [part[0]!, part[0]!] : part;
      // Kept: a scope of model.fit may end before the numbers have been read.
      const join = () => tf.keep(tf.concat(list.map((t) => tf.reshape(t, [1]))));
      joined.push(tf.tidy(join));
    }
    const read = await Promise.all(joined.map((t) => t.data()));
    return read.flatMap((values, i) =>
      Array.from(values).slice(0, Math.min(together, tensors.length - i * together))
    );
  } finally {
    tf.dispose(joined);
  }
}

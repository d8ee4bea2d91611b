/** @module */
import type { NamedTensors } from "./named_tensors.ts";

/**
 * Makes each tensor dispose itself when it has been read: `model.save()` of TensorFlow.js reads what
 * `getWeights()` gives once, and forgets it.
 */
export function lendTensors(tensors: NamedTensors): NamedTensors {
  for (const { tensor } of tensors) {
    const read = tensor.data.bind(tensor);
    const readOnce = () => read().finally(() => tensor.dispose());
    // Own properties of these tensors alone.
    tensor.data = readOnce as typeof tensor.data;
  }
  return tensors;
}

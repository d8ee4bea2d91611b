/**
 * The state of a chain as named tensors.
 *
 * @module
 */
import {
  type Backend,
  checkValue,
  type Driver,
  exportState,
  importState,
  type Kind,
} from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";

/** What `tf.Optimizer.getWeights` gives. */
export type NamedTensors = Awaited<ReturnType<tf.Optimizer["getWeights"]>>;

const stateName = "precond/state";

const named: Kind = {
  must: "be an object with a name and a tensor",
  type: (value) => {
    const { name, tensor } = (value ?? {}) as Partial<NamedTensors[number]>;
    return typeof name === "string" && tensor instanceof tf.Tensor && !tensor.isDisposed;
  },
};

/** The state as new tensors. */
export async function toTensors(
  driver: Driver<tf.Tensor>,
  backend: Backend<tf.Tensor>,
): Promise<NamedTensors> {
  const { json, tensors } = exportState(driver);
  const values = await Promise.all(tensors.map(({ array }) => backend.read(array)));
  const text = [...new TextEncoder().encode(json)];
  return [
    { name: stateName, tensor: tf.tensor1d(text, "int32") },
    ...tensors.map(({ name, shape }, i) => ({
      name,
      tensor: tf.tensor(values[i]!, [...shape], "float32"),
    })),
  ];
}

/**
 * Restores what {@linkcode toTensors} gave, among other tensors.
 *
 * @throws {TypeError} If the state is not among them, or of another optimizer; then nothing changes.
 */
export async function fromTensors(
  given: NamedTensors,
  driver: Driver<tf.Tensor>,
  backend: Backend<tf.Tensor>,
): Promise<void> {
  checkValue("restore the optimizer", given, kinds.listOf(named), "the weights");
  const byName = new Map(given.map(({ name, tensor }) => [name, tensor]));
  const text = byName.get(stateName);
  if (!text) {
    throw new TypeError(
      `Cannot restore the optimizer: no "${stateName}" among ${[...byName.keys()].join(", ")}`,
    );
  }
  const json = new TextDecoder().decode(Uint8Array.from(await text.data()));
  const made: tf.Tensor[] = [];
  // A copy: slots are updated in place, and the given tensors belong to the caller.
  const take = (name: string) => {
    const from = byName.get(name)!;
    if (from.dtype !== "float32") {
      throw new TypeError(
        `Cannot restore "${name}": its dtype must be float32, current dtype is ${from.dtype}`,
      );
    }
    const copy = backend.copy([{ from, shape: from.shape }])[0]!;
    made.push(copy);
    return copy;
  };
  try {
    importState(json, new Map([...byName].map(([name, { shape }]) => [name, shape])), take, driver);
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

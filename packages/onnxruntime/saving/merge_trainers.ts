/** @module */
import type { MergeOptions } from "@precond/core";
import {
  checkOptions,
  checkValue,
  mergeKinds,
  mergeSaved,
  type NamedArray,
  readingFor,
  type SavedOptimizer,
  weightedMean,
  wholeWeights,
} from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import { readSavedTrainer, type SavedTrainer, writeSavedTrainer } from "./saved_trainer.ts";

const action = "merge trainers";

/**
 * Merges what `Trainer.save()` gave of several trainers of one model (federated clients), in either
 * format: parameters, running statistics and frozen parameters are averaged with the weights, states of
 * the optimizers are merged as `mergeStates()` of `@precond/core` does, random numbers go on as those of
 * the first.
 *
 * @param files Files of `Trainer.save()`.
 * @param weights One a file, not negative, together 1: shares of the examples.
 * @returns A file for `Trainer.load()`, as safetensors.
 * @throws {TypeError | RangeError} As `mergeStates()` does; for files of different models, and for those
 * saved in the middle of an accumulated update.
 *
 * @example
 * ```ts
 * import { adam } from "@precond/core";
 * import { mergeTrainers, type Trainer } from "@precond/onnxruntime";
 *
 * const definition = adam();
 * async function meet(server: Trainer, clients: readonly Trainer[], shares: readonly number[]) {
 *   const files = await Promise.all(clients.map((client) => client.save()));
 *   server.load(mergeTrainers(files, shares, { definition }));
 * }
 * ```
 */
export function mergeTrainers(
  files: readonly Uint8Array[],
  weights: readonly number[],
  options: MergeOptions,
): Uint8Array<ArrayBuffer> {
  checkValue(action, files, kinds.listOf(kinds.bytes, 1), "files");
  const { base, ...others } = checkOptions(action, options, mergeKinds, ["definition"]);
  const saved = files.map((bytes, i) => readWhole(bytes, `file ${i + 1}`));
  const from = base && { base: stateOf(readWhole(base, "base")) };
  const values = alike(saved.map(({ parameters, fixed }) => new Map([...parameters, ...fixed])));
  const { json, tensors } = mergeSaved(saved.map(stateOf), weights, { ...others, ...from });
  const [first] = saved;
  return writeSavedTrainer({
    parameters: averaged(values, wholeWeights(weights, files.length)),
    fixed: new Map(),
    slots: tensors,
    optimizer: json,
    random: first!.random,
    gathered: undefined,
    model: first!.model,
  }, "safetensors");
}

function readWhole(bytes: Uint8Array, label: string): SavedTrainer {
  const saved = readingFor(`merge trainers, ${label}`, () => readSavedTrainer(bytes));
  if (saved.optimizer === undefined) {
    throw new TypeError(
      `Cannot ${action}: ${label} is a checkpoint without the state of an optimizer of ours`,
    );
  }
  if (saved.gathered === undefined) return saved;
  throw new TypeError(
    `Cannot ${action}: ${label} was saved in the middle of an update; save after an update`,
  );
}

const stateOf = ({ optimizer, slots }: SavedTrainer): SavedOptimizer => ({
  json: optimizer!,
  tensors: slots,
});

type Values = ReadonlyMap<string, NamedArray>;

/** The values that all files have: a checkpoint has those of the model, too, that cannot change. */
function alike(files: readonly Values[]): readonly Values[] {
  const [first] = files;
  const shown = (array: NamedArray | undefined) => array ? `shape [${array.shape}]` : "none";
  files.forEach((file, i) => {
    for (const name of new Set([...first!.keys(), ...file.keys()])) {
      const [a, b] = [first!.get(name), file.get(name)];
      if (a?.shape.join() === b?.shape.join()) continue;
      throw new TypeError(
        `Cannot ${action}: of "${name}" file 1 has ${shown(a)}, file ${i + 1} ${shown(b)}`,
      );
    }
  });
  return files;
}

/** Σ p θ */
function averaged(files: readonly Values[], shares: readonly number[]): Map<string, NamedArray> {
  const counted = files.flatMap((file, i) => shares[i]! > 0 ? [{ file, weight: shares[i]! }] : []);
  return new Map([...files[0]!].map(([name, { shape }]) => {
    const all = counted.map(({ file, weight }) => ({ weight, values: file.get(name)!.values }));
    return [name, { shape, values: weightedMean(all) }];
  }));
}

/**
 * Options and results of a trainer's calls.
 *
 * @module
 */
import type { Replica } from "@precond/core";
import type { Feeds, Tensor } from "../hosts/ort.ts";
import type { SaveFormat } from "../saving/saved_trainer.ts";

export type { ComputeOptions, StepOptions, TrainerOptions } from "../engine/options.ts";
export type { AdapterFiles, SaveAdapterOptions } from "../saving/adapter_files.ts";

/** Options of {@linkcode Trainer.save}. */
export interface SaveOptions {
  /** Default "safetensors". */
  readonly format?: SaveFormat;
}

/** Options of {@linkcode Trainer.exportModel}. */
export interface ExportModelOptions {
  /** Whether the averages of averageWeights() take the place of the parameters. Default false. */
  readonly averaged?: boolean;
}

/**
 * What a step returns: the loss, and the outputs that were asked for. All outputs are in `outputs` by
 * their names; those that are called neither "loss" nor "outputs" are beside the loss, too.
 */
export type StepOutcome =
  & { readonly loss: number; readonly outputs: Readonly<Record<string, Tensor>> }
  & Readonly<Record<string, number | Tensor | Readonly<Record<string, Tensor>>>>;

/** What {@linkcode Trainer.computeGradients} gives. */
export interface ComputedGradients {
  /** Mean over the batch. */
  readonly loss: number;
  /** For {@linkcode Trainer.applyReplicas}; can be sent by `postMessage()`. */
  readonly replica: Replica;
}

/** Batches of an epoch: anything to iterate over, or a function that gives it anew. */
export type Batches =
  | Iterable<Feeds>
  | AsyncIterable<Feeds>
  | (() => Iterable<Feeds> | AsyncIterable<Feeds>);

/** What {@linkcode FitOptions} callbacks get. */
export interface Progress {
  /** From 0. */
  readonly epoch: number;
  /** Steps done in this epoch. */
  readonly step: number;
  readonly loss: number;
  /** Mean of the epoch's losses so far. */
  readonly meanLoss: number;
}

/** Options of {@linkcode Trainer.fit}. */
export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Called after every step, and waited for; default none. */
  readonly onStep?: (progress: Progress) => void | Promise<void>;
  /** Called after every epoch, and waited for; default none. */
  readonly onEpoch?: (progress: Progress) => void | Promise<void>;
  /**
   * Examples in each batch, or a function that tells them of a batch. Default: as
   * {@linkcode StepOptions.batchSize}.
   */
  readonly batchSize?: number | ((feeds: Feeds) => number);
  /** Stops after the current step when it is aborted; default none. */
  readonly signal?: AbortSignal;
}

/** What a page and its workers tell each other. */
import type { Noise, RunOptions, Score } from "./run.ts";

/** How a worker's run begins: the rate is found by the worker. */
export interface StartOptions extends Omit<RunOptions, "rate" | "observed"> {
  readonly backend: string;
  /** What an earlier run was given; by default a rate is found, and multiplied. */
  readonly rate?: number;
  /** Multiplies the rate that is found. */
  readonly rateFactor: number;
}

/** What the page asks for; `id` comes back in every reply. */
export type Request =
  | { readonly kind: "start"; readonly id: number; readonly options: StartOptions }
  | {
    readonly kind: "advance";
    readonly id: number;
    readonly steps: number;
    /** Whether to look at decisions and weights, too. */
    readonly detailed: boolean;
  };

/** Decisions and maps; see `Run`. */
export interface View extends Noise {
  readonly decisions: Float32Array<ArrayBuffer>;
}

/** What a worker answers. */
export type Reply =
  | {
    readonly kind: "tuning";
    readonly id: number;
    readonly done: number;
    readonly of: number;
  }
  | {
    readonly kind: "started";
    readonly id: number;
    readonly backend: string;
    readonly rate: number;
  }
  | {
    readonly kind: "advanced";
    readonly id: number;
    readonly step: number;
    readonly train: Score;
    readonly test: Score;
    readonly view?: View;
  }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

/** A reply of one kind. */
export type ReplyOf<Kind extends Reply["kind"]> = Extract<Reply, { kind: Kind }>;

/** @module */

/** How a model was differentiated in a process that had done nothing before. */
export interface Differentiation {
  /** Nodes of the model. */
  readonly nodes: number;
  /** Nodes of its gradient graph: forward, loss and backward. */
  readonly gradient_nodes: number;
  /** Milliseconds of the first call, which has no compiled code to use. */
  readonly differentiate_ms: number;
  /**
   * What the call leaves behind with its result, over the bytes of the parameters; the new nodes,
   * which nobody can save, count too.
   */
  readonly extra_memory_ratio: number;
}

/** Median milliseconds of runs. */
export interface RunTimes {
  /** The loss alone. */
  readonly forward_ms: number;
  /** Loss and all gradients. */
  readonly gradient_ms: number;
  /** These, and the mean squared gradients of single examples. */
  readonly squares_ms: number;
}

/** One model with a number of threads; nulls where it is only differentiated. */
export interface OnnxRow extends Differentiation {
  readonly model: string;
  readonly threads: number | null;
  readonly forward_ms: number | null;
  readonly gradient_ms: number | null;
  /** gradient / forward. */
  readonly gradient_ratio: number | null;
  readonly squares_ms: number | null;
  /** squares / gradient. */
  readonly squares_ratio: number | null;
  /** Samples that the medians are of. */
  readonly samples: number;
}

/** The row of a model, from what was measured. */
export function onnxRow(
  model: string,
  samples: number,
  differentiation: Differentiation,
  run?: RunTimes & { readonly threads: number },
): OnnxRow {
  return {
    model,
    threads: run?.threads ?? null,
    ...differentiation,
    forward_ms: run?.forward_ms ?? null,
    gradient_ms: run?.gradient_ms ?? null,
    gradient_ratio: run ? run.gradient_ms / run.forward_ms : null,
    squares_ms: run?.squares_ms ?? null,
    squares_ratio: run ? run.squares_ms / run.gradient_ms : null,
    samples,
  };
}

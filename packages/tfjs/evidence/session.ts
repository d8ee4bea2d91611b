/**
 * What the optimizer asks of wrapped losses while it calls a closure. Outside of such a call there
 * is no session, and a wrapped loss is the loss.
 *
 * @module
 */

/**
 * - `loss`: the loss as it is; the answers are counted.
 * - `labels`: the gradient for labels drawn from the model's own distribution.
 * - `signs`: the per-example losses times random signs.
 * - `constant`: no dependence on the model, so that only penalties have a gradient.
 */
export type Question =
  | { readonly kind: "loss" | "constant" }
  | {
    readonly kind: "labels";
    readonly source: "gaussNewton" | "fisher";
    readonly seed: number;
  }
  | { readonly kind: "signs"; readonly seed: number };

/** A question and what was heard so far. */
export interface Session {
  readonly question: Question;
  /** Wrapped losses that answered. */
  answers: number;
  /** Examples in the batch; undefined, too, if wrapped losses are about batches of different sizes. */
  batchSize?: number | undefined;
}

/** A wrapped loss tells of how many examples it is; in whatever order they answer. */
export function hear(session: Session, examples: number): void {
  const agrees = session.answers === 0 || session.batchSize === examples;
  session.batchSize = agrees ? examples : undefined;
}

let current: Session | undefined;

/** The question that is being asked, if any. */
export function currentSession(): Session | undefined {
  return current;
}

/** Asks the wrapped losses that `f` calls; `f` must be synchronous. */
export function asking<T>(question: Question, f: () => T): { result: T; session: Session } {
  const before = current;
  const session: Session = current = { question, answers: 0 };
  try {
    return { result: f(), session };
  } finally {
    current = before;
  }
}

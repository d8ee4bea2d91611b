/** @module */

/** Thrown inside a run when the user has asked to end. */
export class Interrupted extends Error {
  constructor() {
    super("Interrupted");
  }
}

/** Watches for Ctrl-C. */
export interface Watch {
  readonly interrupted: boolean;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Lets signals in, at most every 50 ms; throws {@linkcode Interrupted} after one. */
  breathe(): Promise<void>;
  stop(): void;
}

/** The first Ctrl-C ends the benchmark with what it has; the second one ends the process. */
export function watch(): Watch {
  const controller = new AbortController();
  const { signal } = controller;
  let last = performance.now();
  const onSignal = () => {
    if (signal.aborted) Deno.exit(130);
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  return {
    get interrupted() {
      return signal.aborted;
    },
    signal,
    async breathe() {
      if (performance.now() - last > 50) {
        await new Promise((resolve) => setTimeout(resolve));
        last = performance.now();
      }
      if (signal.aborted) throw new Interrupted();
    },
    stop: () => Deno.removeSignalListener("SIGINT", onSignal),
  };
}

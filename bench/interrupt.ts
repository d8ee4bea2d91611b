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
  /** Lets signals in, at most every 50 ms; throws {@linkcode Interrupted} after one. */
  breathe(): Promise<void>;
  stop(): void;
}

/** The first Ctrl-C ends the benchmark with what it has; the second one ends the process. */
export function watch(): Watch {
  let interrupted = false;
  let last = performance.now();
  const onSignal = () => {
    if (interrupted) Deno.exit(130);
    interrupted = true;
  };
  Deno.addSignalListener("SIGINT", onSignal);
  return {
    get interrupted() {
      return interrupted;
    },
    async breathe() {
      if (performance.now() - last > 50) {
        await new Promise((resolve) => setTimeout(resolve));
        last = performance.now();
      }
      if (interrupted) throw new Interrupted();
    },
    stop: () => Deno.removeSignalListener("SIGINT", onSignal),
  };
}

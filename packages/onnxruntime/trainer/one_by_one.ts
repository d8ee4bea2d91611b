/**
 * One call after the other.
 *
 * @module
 */

/** Runs what it is given one after the other. */
export interface OneByOne {
  <T>(action: string, body: () => Promise<T>): Promise<T>;
  /** After this nothing runs any more; a second one waits for the first and is nothing. */
  last<T>(action: string, body: () => Promise<T>): Promise<T>;
  /** Runs at once what reads one array and so needs no turn. */
  aside<T>(action: string, body: () => Promise<T>): Promise<T>;
  /** For what is done at once. @throws {TypeError} After the last. */
  open(action: string): void;
  /** For what cannot wait for its turn. @throws {TypeError} After the last, and while anything runs. */
  idle(action: string): void;
}

/** How long the reason of a loss may come after the failures that it causes, in milliseconds. */
const patience = 200;

/**
 * A queue of one: sessions and arrays are shared by all calls of a trainer.
 *
 * @param lost Why the device is lost, if it is; undefined where there is none to lose.
 */
export function oneByOne(lost: (() => string | undefined) | undefined): OneByOne {
  let tail: Promise<unknown> = Promise.resolve();
  let released = false;
  let end: Promise<unknown> | undefined;
  const calls: string[] = [];
  const lostError = (action: string, reason: string, options?: ErrorOptions) =>
    new Error(
      `Cannot ${action}: the WebGPU device is lost (${reason}); create a new trainer and ` +
        `load() the last saved state`,
      options,
    );
  const open = (action: string, final = false) => {
    if (released) throw new TypeError(`Cannot ${action}: it is released`);
    // What is lost can still be released.
    if (final) return;
    const reason = lost?.();
    if (reason !== undefined) throw lostError(action, reason);
  };
  /** Whatever fails because the device is lost says so, not what ONNX Runtime or WebGPU met first. */
  const explained = async <T>(action: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      if (lost === undefined || (lost() === undefined && isOurs(error))) throw error;
      for (let waited = 0; lost() === undefined && waited < patience; waited += 10) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const reason = lost();
      throw reason === undefined ? error : lostError(action, reason, { cause: error });
    }
  };
  const enqueue = <T>(action: string, body: () => Promise<T>, final: boolean): Promise<T> => {
    const run = () => {
      open(action, final);
      released = final;
      return final ? body() : explained(action, body);
    };
    calls.push(action);
    const result = tail.then(run).finally(() => calls.shift());
    tail = result.catch(() => {});
    return result;
  };
  return Object.assign(
    <T>(action: string, body: () => Promise<T>) => enqueue(action, body, false),
    {
      last: <T>(action: string, body: () => Promise<T>): Promise<T> => {
        end ??= enqueue(action, body, true);
        return end as Promise<T>;
      },
      async aside<T>(action: string, body: () => Promise<T>) {
        open(action);
        return await explained(action, body);
      },
      open: (action: string) => open(action),
      idle(action: string) {
        open(action);
        if (calls.length > 0) {
          throw new TypeError(
            `Cannot ${action}: a call is running (${calls.join(", then ")}); wait for its end`,
          );
        }
      },
    },
  );
}

/** WebGPU and ONNX Runtime throw neither of these. */
function isOurs(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

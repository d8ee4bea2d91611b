/** @module */

/** Runs what it is given one after the other. */
export interface OneByOne {
  <T>(action: string, body: () => Promise<T>): Promise<T>;
  /** After this nothing runs any more. */
  last<T>(action: string, body: () => Promise<T>): Promise<T>;
  /** For what needs no turn. @throws {TypeError} After the last. */
  open(action: string): void;
  /** For what cannot wait for its turn. @throws {TypeError} After the last, and while anything runs. */
  idle(action: string): void;
}

/**
 * A queue of one: sessions and arrays are shared by all calls of a trainer.
 *
 * @param lost Why the device is lost, if it is.
 */
export function oneByOne(lost: (() => string | undefined) | undefined): OneByOne {
  let tail: Promise<unknown> = Promise.resolve();
  let released = false;
  let waiting = 0;
  const open = (action: string, final = false) => {
    if (released) throw new TypeError(`Cannot ${action}: it is released`);
    // What is lost can still be released.
    if (final) return;
    const reason = lost?.();
    if (reason !== undefined) {
      throw new Error(
        `Cannot ${action}: the WebGPU device is lost (${reason}); create a new trainer and ` +
          `load() the last saved state`,
      );
    }
  };
  const enqueue = <T>(action: string, body: () => Promise<T>, final: boolean): Promise<T> => {
    const run = () => {
      open(action, final);
      released = final;
      return body();
    };
    waiting++;
    const result = tail.then(run).finally(() => waiting--);
    tail = result.catch(() => {});
    return result;
  };
  return Object.assign(
    <T>(action: string, body: () => Promise<T>) => enqueue(action, body, false),
    {
      last: <T>(action: string, body: () => Promise<T>) => enqueue(action, body, true),
      open: (action: string) => open(action),
      idle(action: string) {
        open(action);
        if (waiting > 0) {
          throw new TypeError(`Cannot ${action}: a call is running; wait for its end`);
        }
      },
    },
  );
}

/** @module */

/** Runs what it is given one after the other. */
export interface OneByOne {
  <T>(action: string, body: () => Promise<T>): Promise<T>;
  /** After this nothing runs any more. */
  last<T>(action: string, body: () => Promise<T>): Promise<T>;
}

/**
 * A queue of one: sessions and arrays are shared by all calls of a trainer.
 *
 * @param lost Why the device is lost, if it is.
 */
export function oneByOne(lost: (() => string | undefined) | undefined): OneByOne {
  let tail: Promise<unknown> = Promise.resolve();
  let released = false;
  const enqueue = <T>(action: string, body: () => Promise<T>, final: boolean): Promise<T> => {
    const run = () => {
      if (released) throw new TypeError(`Cannot ${action}: it is released`);
      const reason = lost?.();
      if (reason !== undefined && !final) {
        throw new Error(
          `Cannot ${action}: the WebGPU device is lost (${reason}); create a new trainer and ` +
            `load() the last saved state`,
        );
      }
      released = final;
      return body();
    };
    const result = tail.then(run);
    tail = result.catch(() => {});
    return result;
  };
  return Object.assign(
    <T>(action: string, body: () => Promise<T>) => enqueue(action, body, false),
    { last: <T>(action: string, body: () => Promise<T>) => enqueue(action, body, true) },
  );
}

/** @module */

/** What a promise comes to, unless that takes longer: then `late()` is thrown. */
export async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  late: () => Error,
): Promise<T> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), milliseconds);
  try {
    return await Promise.race([promise, never]);
  } finally {
    clearTimeout(timer);
  }
}

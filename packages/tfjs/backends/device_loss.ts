/**
 * What an update says when the GPU device under it is gone.
 *
 * @module
 */

/** What this file uses of a `GPUDevice`; not every implementation has `lost`. */
export interface LosableDevice {
  readonly lost?: Promise<{ readonly reason: string; readonly message: string }>;
}

const watched = new WeakSet<LosableDevice>();
const lost = new WeakMap<LosableDevice, string>();

/** Begins to remember whether the device is lost; WebGPU itself only ignores its commands then. */
export function watchDevice(device: LosableDevice): void {
  if (watched.has(device)) return;
  watched.add(device);
  device.lost?.then(({ reason, message }) => void lost.set(device, `${reason}: ${message}`));
}

/**
 * Checks a device that is watched.
 *
 * @throws {Error} If it was lost.
 */
export function checkDevice(device: LosableDevice): void {
  const why = lost.get(device);
  if (why === undefined) return;
  throw new Error(
    `Cannot update on webgpu: the device was lost (${why}), and no weights and no state on it can be read any more; load what was saved last, by model.save(…, { includeOptimizer: true }) or optimizer.save(), into a new model and a new optimizer on a new backend`,
  );
}

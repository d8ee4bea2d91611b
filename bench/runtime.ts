/** @module */
import { Exit } from "./exit.ts";
import { startGpu } from "./gpu.ts";

/** Pages; loaded on demand, since it is Playwright and esbuild. */
export const browser = (): Promise<typeof import("@precond/testing/browser")> =>
  import("@precond/testing/browser");

/**
 * Says that a page cannot be opened before anything is measured.
 *
 * @throws {Exit} With code 2, without Chromium.
 */
export async function requireChromium(backend: string): Promise<void> {
  const { findChromium } = await browser();
  let reason = "install chromium or google-chrome, or name one in CHROME_PATH";
  try {
    if (findChromium()) return;
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new Exit(2, `Cannot run ${backend}: there is no Chromium (${reason})`);
}

/**
 * Says that there is no webgpu before anything is measured.
 *
 * @throws {Exit} With code 2, without an adapter.
 */
export async function requireAdapter(): Promise<void> {
  if (await navigator.gpu?.requestAdapter()) return;
  throw new Exit(
    2,
    "Cannot run webgpu: there is no adapter (Deno needs a Vulkan, Metal or Direct3D 12 driver; " +
      "Debian's software one is mesa-vulkan-drivers)",
  );
}

/**
 * Starts webgpu in this process, with Deno's own `navigator.gpu`.
 *
 * @throws {Exit} With code 2, without an adapter.
 */
export async function startDenoWebgpu(): Promise<void> {
  await requireAdapter();
  // Only on demand: its import registers a backend that tfjs would prefer to all others.
  await import("@tensorflow/tfjs-backend-webgpu");
  await startGpu("webgpu");
}

/** Makes "Cannot start" of a page an {@linkcode Exit}: what is missing is not the program's fault. */
export async function startedInPage<T>(backend: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw new Exit(2, `Cannot run ${backend} in Chromium: ${(error as Error).message}`);
  }
}

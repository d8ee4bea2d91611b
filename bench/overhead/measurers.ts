/** @module */
import { gpuBackends } from "../gpu.ts";
import {
  browser,
  requireAdapter,
  requireChromium,
  startDenoWebgpu,
  startedInPage,
} from "../runtime.ts";
import type * as PageExports from "./_page.ts";
import { measure } from "./measure.ts";
import { measureGpu } from "./measure_gpu.ts";
import type { OverheadCase, OverheadRow, Runtime, TimedRow, Waits } from "./rows.ts";

/** Measures one case. */
export type Measurer = (given: OverheadCase) => Promise<readonly (TimedRow | OverheadRow)[]>;

/** A backend with what runs it. */
export interface Place {
  readonly backend: string;
  readonly runtime: Runtime;
}

/** Where backends run: webgl only in pages, webgpu in each of `runtimes`, the others in Deno. */
export function placesOf(backends: readonly string[], runtimes: readonly Runtime[]): Place[] {
  return backends.flatMap((backend) => {
    if (backend === "webgl") return [{ backend, runtime: "chromium" }];
    if (backend === "webgpu") return runtimes.map((runtime) => ({ backend, runtime }));
    return [{ backend, runtime: "deno" }];
  });
}

/**
 * Checks before the first measurement that none of them will fail later.
 *
 * @throws {Exit} With code 2, if an adapter or Chromium is missing.
 */
export async function requirePlaces(places: readonly Place[]): Promise<void> {
  for (const { backend, runtime } of places) {
    if (runtime === "chromium") await requireChromium(backend);
    else if (backend === "webgpu") await requireAdapter();
  }
}

/** Ten minutes: the host's steps over 10M parameters take seconds in software. */
const timeout = 600_000;

/**
 * Gives `body` a measurer, in a page that is closed afterwards if need be.
 *
 * @throws {Exit} With code 2, if the backend does not start.
 */
export async function withMeasurer(
  { backend, runtime }: Place,
  waits: Waits,
  body: (measurer: Measurer) => Promise<void>,
): Promise<void> {
  if (!gpuBackends.includes(backend)) return await body(measure);
  if (runtime === "deno") {
    await startDenoWebgpu();
    return await body((given) => measureGpu({ ...given, runtime, waits }));
  }
  const { withPage } = await browser();
  await withPage<typeof PageExports>(
    { entry: new URL("./_page.ts", import.meta.url), timeout },
    async (page) => {
      await startedInPage(backend, () => page.call("start", backend));
      await body((given) => page.call("measureGpu", { ...given, runtime, waits }));
    },
  );
}

/** @module */
import type { Place } from "../overhead/measurers.ts";
import { digitsFolder } from "../problems/digits.ts";
import { browser, startDenoWebgpu, startedInPage } from "../runtime.ts";
import type * as PageExports from "./_page.ts";
import { measureStep } from "./measure.ts";
import type { StepCase, StepRow } from "./rows.ts";

/** Steps take seconds at most, also in software; a case is some hundred of them. */
const timeout = 600_000;

/**
 * Measures a case where it runs, in a page that is closed afterwards if need be.
 *
 * @throws {Exit} With code 2, if the backend does not start.
 */
export async function measureAt(
  { backend, runtime }: Place,
  given: Omit<StepCase, keyof Place>,
): Promise<StepRow[]> {
  const full = { ...given, backend, runtime };
  if (runtime === "deno") {
    if (backend === "webgpu") await startDenoWebgpu();
    return await measureStep(full);
  }
  const { withPage } = await browser();
  return await withPage<typeof PageExports, StepRow[]>(
    {
      entry: new URL("./_page.ts", import.meta.url),
      files: { "/digits/": digitsFolder() },
      timeout,
    },
    async (page) => {
      await startedInPage(backend, () => page.call("start", backend));
      return await page.call("measureStep", full);
    },
  );
}

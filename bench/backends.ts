/** @module */
import type * as PageExports from "./_page.ts";
import { Exit } from "./exit.ts";
import { adapterName } from "./adapter.ts";
import { gpuName, onnxGpu } from "./gpu.ts";
import { digitsFolder } from "./problems/digits.ts";
import { onnxBackends } from "./problems/learner.ts";
import {
  browser,
  requireAdapter,
  requireChromium,
  startDenoWebgpu,
  startedInPage,
} from "./runtime.ts";
import { guideText } from "./problems/text.ts";
import type { Cell, Request } from "./suite.ts";

/** A cell whose problem runs where its backend is. */
export interface Placed {
  readonly cell: Cell;
  /** The GPU's own name, if it runs on one. */
  readonly gpu?: string;
}

const uses = (cells: readonly Cell[], name: string) =>
  cells.some(({ backend }) => backend === name);

/**
 * Checks before the first run that none of them will fail later.
 *
 * @throws {Exit} With code 2, if an adapter or Chromium is missing, or what the user brought would go
 *   to a page.
 */
export async function requireBackends(cells: readonly Cell[]): Promise<void> {
  if (uses(cells, "webgl")) {
    const brought = cells.find(({ problem }) => problem.set === "yours");
    if (brought) {
      throw new Exit(
        2,
        `Cannot run "${brought.problem.name}" on webgl, which is in a page without files; use ` +
          "another backend, on a GPU --backend webgpu",
      );
    }
    await requireChromium("webgl");
  }
  if (uses(cells, "webgpu") || uses(cells, onnxGpu)) await requireAdapter();
}

/** Loads what some backends need beside tfjs. */
export async function addBackendsOf(names: readonly string[]): Promise<void> {
  if (names.some((name) => onnxBackends.includes(name))) {
    (await import("./problems/onnx_learner.ts")).addOnnxBackends();
  }
}

/** Half an hour: a run of full size in software takes minutes. */
const timeout = 1_800_000;

/**
 * Gives `body` the cells such that those on webgl run in a page, which is closed afterwards, and all
 * others in this process.
 *
 * @throws {Exit} With code 2, if a backend does not start.
 */
export async function withBackends(
  cells: readonly Cell[],
  { full, text = guideText() }: Pick<Request, "full" | "text">,
  body: (placed: readonly Placed[]) => Promise<void>,
): Promise<void> {
  await addBackendsOf(cells.map(({ backend }) => backend));
  let webgpu: string | undefined;
  if (uses(cells, "webgpu")) {
    await startDenoWebgpu();
    webgpu = gpuName();
  }
  const adapter = uses(cells, onnxGpu) ? await adapterName() : undefined;
  const here = (cell: Cell): Placed => {
    const gpu = cell.backend === "webgpu" ? webgpu : cell.backend === onnxGpu ? adapter : undefined;
    return gpu ? { cell, gpu } : { cell };
  };
  if (!uses(cells, "webgl")) return await body(cells.map(here));
  const { withPage } = await browser();
  await withPage<typeof PageExports>(
    {
      entry: new URL("./_page.ts", import.meta.url),
      files: { "/digits/": digitsFolder() },
      timeout,
    },
    async (page) => {
      const gpu = await startedInPage("webgl", () => page.call("start", "webgl", text));
      const there = (cell: Cell): Placed => {
        const problem: Cell["problem"] = {
          ...cell.problem,
          run: ({ method, learningRate, seed, backend, tuning, steps }) =>
            page.call("run", {
              problem: cell.problem.name,
              batchSize: cell.problem.batchSize,
              full,
              method: method.name,
              ...{ learningRate, seed, backend, tuning },
              ...(steps !== undefined && { steps }),
            }),
        };
        return { cell: { ...cell, problem }, gpu };
      };
      await body(cells.map((cell) => cell.backend === "webgl" ? there(cell) : here(cell)));
    },
  );
}

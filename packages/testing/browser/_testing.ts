/**
 * The page of browser_test.ts.
 *
 * @module
 */
import { sgd } from "@precond/core";
import { assertAllClose } from "../mod.ts";

/** Where the built code came from would not show: that it runs does. */
export function built(): string {
  return typeof sgd({ learningRate: 0.1 });
}

export function add(a: number, b: number): Promise<number> {
  return Promise.resolve(a + b);
}

export function unequal(): void {
  console.warn("about to compare");
  assertAllClose([1], [2], {}, "pair");
}

export function stray(): void {
  setTimeout(() => {
    throw new RangeError("nobody catches this");
  });
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function hang(): void {
  for (;;);
}

export function isolated(): boolean {
  return globalThis.crossOriginIsolated;
}

export async function served(path: string): Promise<[status: number, type: string | null]> {
  const response = await fetch(path);
  return [response.status, response.headers.get("content-type")];
}

/** What draws: both must be software, the same everywhere. */
export async function renderers(): Promise<string[]> {
  const gl = document.createElement("canvas").getContext("webgl2");
  const adapter = await navigator.gpu?.requestAdapter();
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  return [
    names ? gl!.getParameter(names.UNMASKED_RENDERER_WEBGL) : "no WebGL",
    adapter?.info.architecture ?? "no WebGPU",
  ];
}

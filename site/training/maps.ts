import type { PrecondOptimizer } from "@precond/tfjs";
import { fractionsOf, rhoAfter } from "../../examples/tfjs-browser/fractions.ts";
import { decay, watcher } from "../../examples/tfjs-browser/watched.ts";
import type { Layer } from "../../examples/tfjs-browser/network.ts";
import { curvatureWatcher } from "./contenders.ts";

/** What is known of every weight of a layer: [inputs, outputs], row after row. */
export interface LayerMap {
  readonly name: string;
  readonly outputs: number;
  /** T, from 0 to 1. */
  readonly signal: Float32Array<ArrayBuffer>;
  /** The second derivative of the loss, as the Gauss-Newton matrix has it on its diagonal. */
  readonly curvature: Float32Array<ArrayBuffer>;
}

/** T and curvature of the weights, from what looks on while an optimizer trains. */
export async function mapsOf(
  observer: PrecondOptimizer,
  layers: readonly Layer[],
): Promise<LayerMap[]> {
  const rho = rhoAfter(observer.iterations, decay);
  return await Promise.all(layers.map(async ({ name, kernel }): Promise<LayerMap> => {
    const slots = [`${watcher}.m`, `${watcher}.d`, `${curvatureWatcher}.h`];
    const [m, d, h] = await Promise.all(slots.map((slot) => observer.slot(kernel.name, slot)));
    return {
      name,
      outputs: kernel.shape[1]!,
      signal: Float32Array.from(fractionsOf({ m: m!, d: d! }, rho)),
      curvature: Float32Array.from(h!),
    };
  }));
}

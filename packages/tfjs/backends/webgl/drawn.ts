/** @module */
import {
  type GlslDraw,
  type KernelCall,
  type KernelResult,
  lowerToGlslDraws,
  type Program,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { canvasOf, type Compiled } from "./canvas.ts";
import { drawableBackend } from "./internals.ts";
import { type Layout, layoutsOf } from "./layout.ts";
import { runPasses, type Sums } from "./passes.ts";

/** Elements that one fragment of a reduction adds up. */
const elementsOfRun = 256;

/** A program on the textures themselves. */
export interface DrawnKernel {
  /** Undefined, with nothing changed, if it cannot be drawn after all. */
  run(calls: readonly KernelCall<tf.Tensor>[]): KernelResult<tf.Tensor>[] | undefined;
  dispose(): void;
}

/** The driver does not do what it promised. */
class Refused extends Error {}

/**
 * Kernels drawn on tfjs's own textures, past its programs: all outputs of a variable at once, and up to
 * four elements a fragment. All arrays of a variable lie alike, packed as tfjs packs the results of most
 * of its own operations; what lies otherwise (weights and state before the first step, some gradients) is
 * copied first. Undefined where the backend does not let us.
 */
export function drawnKernel(program: Program): DrawnKernel | undefined {
  const backend = drawableBackend();
  const canvas = backend && canvasOf(backend);
  if (!canvas) return undefined;
  const layouts = layoutsOf(backend);
  const compiled = new Map<string, Compiled[][]>();
  let refused = false;

  const drawsFor = ({ width, padded }: Layout): Compiled[][] => {
    const key = `${width} ${padded}`;
    let found = compiled.get(key);
    if (!found) {
      const compile = (draw: GlslDraw) => {
        const tooMany = draw.reads.length + draw.sums.length > canvas.textures;
        const result = tooMany ? undefined : canvas.compile(draw);
        if (!result) throw new Refused();
        return result;
      };
      found = lowerToGlslDraws(program, { width, padded, targets: canvas.targets })
        .map((draws) => draws.map(compile));
      compiled.set(key, found);
    }
    return found;
  };

  const draw = (
    compiled: Compiled,
    call: KernelCall<tf.Tensor>,
    known: Sums,
    element: Layout,
    result: Layout,
    shapes: readonly (readonly number[])[],
    integers: Readonly<Record<string, number>>,
  ): tf.TensorInfo[] => {
    const copies: tf.TensorInfo[] = [];
    const of = { element, row: "linear", tensor: "one" } as const;
    const textures = [
      ...compiled.reads.map((k) =>
        layouts.texture(call.inputs[k]!, of[program.inputs[k]!.shape], copies)
      ),
      ...compiled.sums.map((k) =>
        layouts.texture(known[k]!, program.sums[k]!.scope === "row" ? "linear" : "one", copies)
      ),
    ];
    const infos = shapes.map((shape) => layouts.allocate(shape, result));
    const drawn = canvas.draw(compiled, {
      textures,
      targets: infos.map(layouts.own),
      size: result.size,
      packed: result.packed,
      integers,
      scalars: call.scalars,
    });
    copies.forEach((info) => backend.disposeIntermediateTensorInfo(info));
    if (drawn) return infos;
    infos.forEach((info) => backend.disposeIntermediateTensorInfo(info));
    throw new Refused();
  };

  const tensorOf = (info: tf.TensorInfo) => tf.engine().makeTensorFromTensorInfo(info);
  const elementOf = (call: KernelCall<tf.Tensor>): Layout => {
    const arrays = (refs: readonly { shape: string }[], tensors: readonly tf.Tensor[]) =>
      tensors.find((_, k) => refs[k]!.shape === "element");
    const { shape } = arrays(program.inputs, call.inputs) ??
      arrays(program.outputs, call.outputs) ?? { shape: [call.rows, call.columns] };
    return layouts.element(shape);
  };

  const sums = (pass: number, call: KernelCall<tf.Tensor>, known: Sums): tf.Tensor[] => {
    const element = elementOf(call);
    const found = new Map<number, tf.Tensor>();
    for (const compiled of drawsFor(element)[pass]!) {
      if (compiled.kind === "outputs") continue;
      const run = elementsOfRun / element.width;
      const byRow = compiled.kind === "rowSums";
      const shape = [byRow ? call.rows : Math.ceil(element.integers.texels / run)];
      const result = layouts.plain(shape);
      const integers = { ...element.integers, run, resultWidth: result.size[1] };
      const shapes = compiled.results.map(() => shape);
      const infos = draw(compiled, call, known, element, result, shapes, integers);
      infos.map(tensorOf).forEach((partials, k) => {
        const total = byRow ? partials : tf.reshape(tf.sum(partials), [1]);
        found.set(compiled.results[k]!, total);
      });
    }
    return program.passes[pass]!.sums.map((s) => found.get(s)!);
  };

  const outputs = (pass: number, call: KernelCall<tf.Tensor>, known: Sums): tf.Tensor[] => {
    const element = elementOf(call);
    const found: tf.Tensor[] = [];
    for (const compiled of drawsFor(element)[pass]!) {
      if (compiled.kind !== "outputs") continue;
      const shapes = compiled.results.map((o) => call.outputs[o]!.shape);
      const result = compiled.shape === "element" ? element : layouts.plain(shapes[0]!);
      const integers = { ...element.integers, width: result.size[1] };
      const infos = draw(compiled, call, known, element, result, shapes, integers);
      compiled.results.forEach((o, k) => found[o] = tensorOf(infos[k]!));
    }
    return found;
  };

  return {
    run(calls) {
      const other = tf.backend() as unknown !== backend;
      // With that flag tfjs compiles its programs and runs none, so that textures are missing.
      const idle = tf.env().getBool("ENGINE_COMPILE_ONLY");
      if (refused || other || idle || canvas.isLost()) return undefined;
      try {
        return runPasses(program, calls, { sums, outputs });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refused = true;
        return undefined;
      } finally {
        canvas.restore();
      }
    },
    dispose() {
      for (const draws of compiled.values()) draws.flat().forEach(canvas.release);
      compiled.clear();
    },
  };
}

/**
 * Sessions, with what single builds of ONNX Runtime need kept away from their callers.
 *
 * @module
 */
import type { ModelProto } from "@precond/onnx";
import { writeModel } from "@precond/onnx/on_demand";
import { withHalvesAsBits } from "./halves.ts";
import { modelFile } from "./model_file.ts";
import type { InferenceSession, Ort, Tensor } from "./ort.ts";

/** A graph in ONNX Runtime. */
export interface Session {
  /** @param fetches Outputs that are wanted, and the tensors that they are written into or null. */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: Readonly<Record<string, Tensor | null>>,
  ): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/** The last call of each build. */
const last = new WeakMap<object, Promise<unknown>>();

/**
 * Opens a session whose calls wait for those of all others of its build, where that is
 * onnxruntime-web: with WebGPU its WebAssembly is suspended in the middle of a call, and a second one
 * is refused at best, corrupts its memory otherwise. onnxruntime-node runs them side by side.
 */
export async function createSession(
  ort: Ort,
  model: ModelProto,
  given: InferenceSession.SessionOptions,
): Promise<Session> {
  if (!isWeb(ort)) {
    const { bytes, options } = modelFile(model, given);
    const session = await ort.InferenceSession.create(bytes, options);
    return {
      run: (feeds, fetches = {}) =>
        withHalvesAsBits(
          [...Object.values(feeds), ...Object.values(fetches)],
          () =>
            Object.keys(fetches).length === 0 ? session.run(feeds) : session.run(feeds, fetches),
        ),
      release: () => session.release(),
    };
  }
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const result = (last.get(ort.env) ?? Promise.resolve()).then(call);
    last.set(ort.env, result.catch(() => {}));
    return result;
  };
  const bytes = writeModel(model);
  const session = await inTurn(() => ort.InferenceSession.create(bytes, given));
  return {
    run: (feeds, fetches) =>
      inTurn(() => fetches === undefined ? session.run(feeds) : session.run(feeds, fetches)),
    release: () => inTurn(() => session.release()),
  };
}

/** Whether a build is one of onnxruntime-web. */
export const isWeb = ({ env }: Ort): boolean =>
  (env as { versions?: { web?: string } }).versions?.web !== undefined;

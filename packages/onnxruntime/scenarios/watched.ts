/**
 * A model with one big parameter, and builds of ONNX Runtime that say what goes through them.
 *
 * @module
 */
import { buildModel, type ModelProto } from "@precond/onnx";
import type { Feeds, InferenceSession, Ort, Tensor } from "../hosts/ort.ts";

/** What went through a build's sessions. */
export interface Watched {
  readonly ort: Ort;
  readonly options: InferenceSession.SessionOptions[];
  readonly results: Record<string, Tensor>[];
}

/** A build that keeps the options and the results of its sessions. */
export function watched(ort: Ort): Watched {
  const options: InferenceSession.SessionOptions[] = [];
  const results: Record<string, Tensor>[] = [];
  return {
    options,
    results,
    ort: {
      ...{ Tensor: ort.Tensor, env: ort.env },
      InferenceSession: {
        async create(model, given) {
          options.push(given!);
          const session = await ort.InferenceSession.create(model, given);
          return {
            inputNames: session.inputNames,
            release: () => session.release(),
            async run(feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>) {
              const result = await session.run(feeds, fetches);
              results.push(result as Record<string, Tensor>);
              return result;
            },
          } as unknown as InferenceSession;
        },
      },
    } as Ort,
  };
}

/** y = x·w with a gradient of 64 KiB. */
export function bigModel(): ModelProto {
  const m = buildModel();
  const w = m.parameter("w", [128, 128], new Float32Array(128 * 128).fill(0.01));
  m.output(m.op("MatMul", [m.input("x", [2, 128]), w], {}, "y"));
  return m.build();
}

/** Ones, where twos are wanted. */
export const batch = ({ Tensor }: Ort): Feeds => ({
  x: new Tensor("float32", new Float32Array(256).fill(1), [2, 128]),
  labels: new Tensor("float32", new Float32Array(256).fill(2), [2, 128]),
});

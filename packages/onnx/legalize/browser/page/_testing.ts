/**
 * The page of browser_test.ts: runs graphs with onnxruntime-web's WebGL provider.
 *
 * @module
 */
import * as ort from "onnxruntime-web/webgl";

/** A tensor that a page is fed. */
export interface Feed {
  readonly type: "float32" | "int32";
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** What came out. */
export type Fetched = Record<string, { dims: readonly number[]; data: number[] }>;

/** Opens a model, given as its bytes, runs it once and releases it. */
export async function runOnWebgl(
  bytes: readonly number[],
  feeds: Readonly<Record<string, Feed>>,
): Promise<Fetched> {
  const session = await ort.InferenceSession.create(Uint8Array.from(bytes), {
    executionProviders: ["webgl"],
  });
  try {
    const tensors = Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      type === "float32"
        ? new ort.Tensor(type, Float32Array.from(data), dims)
        : new ort.Tensor(type, Int32Array.from(data), dims),
    ]);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [name, {
        dims: t.dims,
        data: Array.from(t.data as ArrayLike<number>, Number),
      }]),
    );
  } finally {
    await session.release();
  }
}

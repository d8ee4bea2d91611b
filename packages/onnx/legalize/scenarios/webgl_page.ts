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

/**
 * Opens a model, given as its bytes, and releases it after three runs, of which the last one's results
 * are returned: a texture that one run gives away, another overwrites and the next one reads.
 */
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
    const given = Object.fromEntries(tensors);
    await session.run(given);
    await session.run(given);
    const results = await session.run(given);
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

/**
 * Feeds as they are when a call is made: a queue, or ONNX Runtime itself, would read them later, when
 * the caller may have filled the same array with the next batch.
 *
 * @module
 */
import type { Feed, Feeds, Tensor } from "../../hosts/ort.ts";
import { type Elements, storageOf } from "./element_types.ts";

/** Elements that were copied, in memory of their own: neither shared nor of another realm. */
export interface Taken {
  /** What a tensor of the caller says; undefined for `{ data, dims }`. */
  readonly type: Tensor.Type | undefined;
  /** What the elements may be taken for. */
  readonly types: readonly Tensor.Type[];
  readonly data: Elements | readonly string[];
  readonly dims: readonly number[];
}

/** What is taken of one feed; what cannot be copied stays as it is: tensors on a GPU, what is no feed. */
export type TakenFeed =
  | { readonly taken: Taken }
  | { readonly taken?: undefined; readonly given: Feed };

/** The feeds of one call. */
export interface TakenFeeds {
  /** Undefined for what are no feeds. */
  readonly byName: ReadonlyMap<string, TakenFeed> | undefined;
  /** What the caller gave. */
  readonly given: unknown;
}

/** Copies what is fed. It never throws: what is wrong with feeds is said where they are checked. */
export function takeFeeds(feeds: Feeds): TakenFeeds {
  const byName = feeds === null || typeof feeds !== "object"
    ? undefined
    : new Map(Object.entries(feeds).map(([name, feed]) => [name, take(feed)]));
  return { byName, given: feeds };
}

function take(feed: Feed): TakenFeed {
  if (!Array.isArray(feed?.dims)) return { given: feed };
  const dims: readonly number[] = [...feed.dims];
  const type = "type" in feed ? feed.type : undefined;
  if (type !== undefined && (feed as Tensor).location !== "cpu") return { given: feed };
  try {
    const { data } = feed;
    if (type === "string") {
      return { taken: { type, types: [type], data: [...data as unknown as string[]], dims } };
    }
    const storage = storageOf(data);
    if (storage === undefined) return { given: feed };
    return { taken: { type, types: storage.types, data: storage.copy(data as never), dims } };
  } catch {
    // Its memory is gone: it was transferred, or the tensor disposed.
    return { given: feed };
  }
}

/** @module */
import type { GpuBuffer } from "@precond/core/webgpu";
import type { GraphProto, ValueInfoProto } from "@precond/onnx";
import type { Session } from "../create_session.ts";
import { ortTypes } from "../../engine/feeds/element_types.ts";
import type { Tensor } from "../ort.ts";
import type { Device } from "../device.ts";

/** Element types of places. */
export type ElementType =
  | "float32"
  | "int32"
  | "uint32"
  | "int64"
  | "float16"
  | "int8"
  | "uint8"
  | "bool";

/** What a captured graph reads or writes in every run. */
export interface Place {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly buffer: GpuBuffer;
  readonly bytes: number;
}

/** What places are made of. */
export interface Ground {
  readonly device: Device;
  place(type: Tensor.Type, dims: readonly number[]): Promise<Place>;
  /** A tensor over a place. */
  tensor(place: Place): Tensor;
  /** A copy on the host. */
  read(place: Place): Promise<Tensor>;
}

/** Opens the graph. */
export interface SessionOpeners {
  /** To be captured, with numbers for its symbolic sizes. */
  captured(sizes: Readonly<Record<string, number>>): Promise<Session>;
  /** Without capture, to compare a run. */
  plain(): Promise<Session>;
}

type Places = ReadonlyMap<string, Place>;
type Tensors = Readonly<Record<string, Tensor>>;

/** The same sums in another order; what is not replayed at all is another number altogether. */
const tolerance = 1e-2;

/**
 * A session whose runs replay the commands of the first, always over its buffers: feeds are copied
 * into them and results out of them, on the device. The second run, the first replay, is compared with
 * one of a session without capture.
 */
export function capturedSession(
  graph: GraphProto,
  resident: ReadonlySet<string>,
  openers: SessionOpeners,
  ground: Ground,
): Session {
  const { device, tensor } = ground;
  let session: Session | undefined;
  let inputs: Places | undefined;
  let outputs: Places = new Map();
  let runs = 0;
  const tensors = (places: Places) =>
    Object.fromEntries([...places].map(([name, place]) => [name, tensor(place)]));

  const begin = async (feeds: Tensors, wanted: readonly string[]): Promise<Places> => {
    const sizes = new Map(graph.input.flatMap((info) => sizesIn(info, feeds[info.name]?.dims)));
    const infos = new Map(graph.output.map((info) => [info.name, info]));
    const shapes = wanted.map((name) => shapeOf(infos.get(name)!, sizes));
    const made = async (list: readonly (readonly [string, Pick<Tensor, "type" | "dims">])[]) => {
      const places = new Map<string, Place>();
      for (const [name, { type, dims }] of list) places.set(name, await ground.place(type, dims));
      return places;
    };
    session ??= await openers.captured(Object.fromEntries(sizes));
    outputs = await made(wanted.map((name, k) => [name, shapes[k]!]));
    return await made(Object.entries(feeds));
  };

  /** Copies from one place to another, in one go. */
  const copy = (list: readonly (readonly [from: GpuBuffer, to: GpuBuffer, bytes: number])[]) => {
    const encoder = device.createCommandEncoder();
    for (const [from, to, bytes] of list) {
      encoder.copyBufferToBuffer(from, 0, to, 0, whole(bytes));
    }
    device.queue.submit([encoder.finish()]);
  };

  const run = async (places: Places, feeds: Tensors): Promise<void> => {
    const onDevice = [...places].filter(([name]) => feeds[name]!.location === "gpu-buffer");
    copy(onDevice.map(([name, { buffer, bytes }]) => [bufferOf(feeds[name]!), buffer, bytes]));
    for (const [name, { buffer }] of places) {
      const feed = feeds[name]!;
      if (feed.location === "gpu-buffer") continue;
      device.queue.writeBuffer(buffer, 0, bytesOf(feed.data as ArrayBufferView));
    }
    await session!.run(tensors(places), tensors(outputs));
    runs++;
  };

  const compare = async (
    feeds: Tensors,
    fetches: Readonly<Record<string, Tensor | null>>,
  ): Promise<void> => {
    const plain = await openers.plain();
    try {
      const results = await plain.run(feeds, fetches);
      for (const [name, place] of outputs) {
        const replayed = (await ground.read(place)).data as ArrayLike<number | bigint>;
        const result = results[name]!;
        const expected = result.location === "cpu"
          ? result
          : await ground.read({ ...place, buffer: bufferOf(result) });
        // The caller's own stays.
        if (result.location !== "cpu" && fetches[name] == null) result.dispose();
        if (agree(replayed, expected.data as ArrayLike<number | bigint>)) continue;
        throw new TypeError(
          `Cannot step: the replayed graph gives another "${name}" than the graph itself; ` +
            `create the trainer without capture`,
        );
      }
    } finally {
      await plain.release();
    }
  };

  return {
    async run(feeds, fetches = {}) {
      inputs ??= await begin(feeds, Object.keys(fetches));
      for (const [name, place] of inputs) {
        const { type, dims } = feeds[name]!;
        if (type === place.type && dims.join() === place.dims.join()) continue;
        throw new TypeError(
          `Cannot step: "${name}" must have shape [${place.dims}] as in the first step, since the ` +
            `graph is captured, given is [${dims}]; create the trainer without capture`,
        );
      }
      const checked = runs === 1;
      if (checked) {
        // What is not written again is not a number.
        for (const { buffer, bytes } of outputs.values()) {
          device.queue.writeBuffer(buffer, 0, new Uint8Array(whole(bytes)).fill(255).buffer);
        }
      }
      await run(inputs, feeds);
      try {
        if (checked) await compare(feeds, fetches);
      } catch (error) {
        // To be compared again.
        runs = 1;
        throw error;
      }
      copy([...outputs].flatMap(([name, { buffer, bytes }]) => {
        const to = fetches[name];
        return to == null ? [] : [[buffer, bufferOf(to), bytes] as const];
      }));
      return Object.fromEntries(
        await Promise.all([...outputs].map(async ([name, place]) => [
          name,
          resident.has(name) ? tensor(place) : await ground.read(place),
        ])),
      );
    },
    release: async () => await session?.release(),
  };
}

const bufferOf = (tensor: Tensor) => tensor.gpuBuffer as unknown as GpuBuffer;

/** Copies take four bytes at a time. */
export const whole = (bytes: number): number => Math.ceil(bytes / 4) * 4;

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): ArrayBuffer {
  const bytes = new Uint8Array(whole(byteLength));
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return bytes.buffer;
}

/** Up to rounding, relative to the largest number. */
function agree(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): boolean {
  const numbers = Array.from(b, Number);
  const largest = numbers.reduce((max, x) => Math.max(max, Math.abs(x) || 0), 0);
  return numbers.every((x, k) => {
    const y = Number(a[k]);
    return Object.is(x, y) || Math.abs(x - y) <= tolerance * largest;
  });
}

/** The numbers that an input's symbolic sizes have. */
function sizesIn(info: ValueInfoProto, dims: readonly number[] | undefined): [string, number][] {
  const declared = info.type?.value?.$case === "tensorType" ? info.type.value.value.shape?.dim : [];
  return (declared ?? []).flatMap(({ value }, k): [string, number][] =>
    value?.$case === "dimParam" && dims !== undefined ? [[value.value, dims[k]!]] : []
  );
}

function shapeOf(
  { name, type }: ValueInfoProto,
  sizes: ReadonlyMap<string, number>,
): { type: Tensor.Type; dims: number[] } {
  const tensor = type?.value?.$case === "tensorType" ? type.value.value : undefined;
  const dims = tensor?.shape?.dim.map(({ value }) =>
    value?.$case === "dimValue" ? Number(value.value) : sizes.get(value?.value ?? "")
  );
  const element = ortTypes[tensor?.elemType ?? 0];
  if (element === undefined || dims === undefined || dims.includes(undefined)) {
    throw new TypeError(
      `Cannot capture the training graph: the shape of its output "${name}" is not known`,
    );
  }
  return { type: element, dims: dims as number[] };
}

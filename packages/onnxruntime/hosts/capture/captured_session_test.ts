// A session and a device of the test's own: what ONNX Runtime replays wrongly depends on its version.
import type { GpuBuffer } from "@precond/core/webgpu";
import { buildModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { nodeOrt as ort } from "../../scenarios/builds.ts";
import type { Session } from "../create_session.ts";
import type { Tensor } from "../ort.ts";
import { capturedSession, type Place } from "./captured_session.ts";
import type { Device } from "../device.ts";

interface Buffer extends GpuBuffer {
  readonly bytes: Uint8Array;
}
const buffer = (size: number): Buffer => ({ size, bytes: new Uint8Array(size), destroy() {} });
const values = ({ bytes }: Buffer) => new Float32Array(bytes.buffer);

const device = {
  queue: {
    writeBuffer: (to: Buffer, at: number, data: ArrayBuffer) =>
      to.bytes.set(new Uint8Array(data), at),
    submit: (lists: (() => void)[][]) => lists.flat().forEach((command) => command()),
  },
  createCommandEncoder() {
    const commands: (() => void)[] = [];
    return {
      copyBufferToBuffer: (from: Buffer, a: number, to: Buffer, b: number, size: number) =>
        commands.push(() => to.bytes.set(from.bytes.subarray(a, a + size), b)),
      finish: () => commands,
    };
  },
} as unknown as Device;

type GpuTensor = Tensor & { readonly gpuBuffer: Buffer };
const gpuTensor = (of: Buffer, dims: readonly number[]) =>
  ({
    location: "gpu-buffer",
    type: "float32",
    dims,
    gpuBuffer: of,
    dispose() {},
  }) as unknown as GpuTensor;

function graph() {
  const m = buildModel();
  const x = m.input("x", [2]);
  m.output(m.op("Add", [x, x], {}, "twice"));
  m.output(m.op("Mul", [x, x], {}, "square"));
  return m.build().graph!;
}

/** Twice x and its square; every run after the first leaves out what is in `forgets`. */
function session(forgets: readonly string[] = []): Session & { released: boolean; runs: number } {
  const self = {
    released: false,
    runs: 0,
    run(
      feeds: Readonly<Record<string, Tensor>>,
      fetches?: Readonly<Record<string, Tensor | null>>,
    ) {
      const x = feeds["x"] as GpuTensor;
      const input = x.location === "cpu" ? x.data as Float32Array : values(x.gpuBuffer);
      const results = Object.fromEntries(
        Object.entries(fetches!).map(([name, to]) => {
          const result = (to ?? gpuTensor(buffer(8), [2])) as GpuTensor;
          if (self.runs === 0 || !forgets.includes(name)) {
            values(result.gpuBuffer).set(input.map((v) => name === "twice" ? 2 * v : v * v));
          }
          return [name, result];
        }),
      );
      self.runs++;
      return Promise.resolve(results);
    },
    release() {
      self.released = true;
      return Promise.resolve();
    },
  };
  return self;
}

function open(recorded: Session, plain: () => Promise<Session>) {
  const captured = () => Promise.resolve(recorded);
  return capturedSession(graph(), new Set(["twice"]), { captured, plain }, {
    device,
    place: (type, dims): Promise<Place> =>
      Promise.resolve({ type: type as "float32", dims, bytes: 8, buffer: buffer(8) }),
    tensor: ({ buffer, dims }) => gpuTensor(buffer as Buffer, dims),
    read: ({ buffer, dims }) =>
      Promise.resolve(new ort.Tensor("float32", values(buffer as Buffer).slice(), dims)),
  });
}

const feed = (...data: number[]) => ({
  x: new ort.Tensor("float32", Float32Array.from(data), [data.length]),
});

Deno.test("capturedSession() runs over places of its own, and compares the second run", async () => {
  const plain = session();
  let opened = 0;
  const s = open(session(), () => {
    opened++;
    return Promise.resolve(plain);
  });
  const mine = gpuTensor(buffer(8), [2]);
  for (const [k, x] of [[1, 2], [3, -4], [0.5, 0]].entries()) {
    const { twice, square } = await s.run(feed(...x), { twice: null, square: mine });
    assert.deepEqual([...values((twice as GpuTensor).gpuBuffer)], x.map((v) => 2 * v));
    assert.deepEqual([...values(mine.gpuBuffer)], x.map((v) => v * v));
    // Not resident: read back.
    assert.deepEqual([...square!.data as Float32Array], x.map((v) => v * v));
    assert.equal(opened, k === 0 ? 0 : 1);
  }
  assert.deepEqual([plain.runs, plain.released], [1, true]);
});

Deno.test("capturedSession() refuses a replay that leaves an output as it was", async () => {
  const plains: ReturnType<typeof session>[] = [];
  const s = open(session(["square"]), () => {
    plains.push(session());
    return Promise.resolve(plains.at(-1)!);
  });
  const fetches = { twice: null, square: null };
  await s.run(feed(1, 2), fetches);
  // The same feeds would give the same numbers.
  for (const x of [[1, 2], [5, 6]]) {
    await assert.rejects(s.run(feed(...x), fetches), {
      name: "TypeError",
      message: 'Cannot step: the replayed graph gives another "square" than the graph itself; ' +
        "create the trainer without capture",
    });
  }
  assert.deepEqual(plains.map(({ released }) => released), [true, true]);
});

Deno.test("capturedSession() refuses another shape than the first", async () => {
  const s = open(session(), () => Promise.resolve(session()));
  await s.run(feed(1, 2), { twice: null });
  await assert.rejects(s.run(feed(1, 2, 3), { twice: null }), {
    name: "TypeError",
    message: 'Cannot step: "x" must have shape [2] as in the first step, since the graph is ' +
      "captured, given is [3]; create the trainer without capture",
  });
});

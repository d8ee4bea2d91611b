/**
 * Runs the WGSL lowering on any WebGPU device; nothing is read back.
 *
 * @module
 */
import type { Program } from "../kernel/program.ts";
import {
  lowerToWgsl,
  wgslCombine,
  wgslMaximumGroups,
  type WgslStage,
  wgslWorkgroupSize,
} from "../lowerings/wgsl.ts";
import type { KernelCall } from "./backend.ts";

// The few members of WebGPU that are used, so that no one needs its type declarations.

/** A `GPUBuffer`. */
export interface GpuBuffer {
  readonly size: number;
  destroy(): void;
}
/** A `GPUComputePipeline`. */
interface Pipeline {
  getBindGroupLayout(index: number): object;
}
interface ComputePass {
  setPipeline(pipeline: Pipeline): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y?: number): void;
  end(): void;
}
/** A `GPUDevice`. */
export interface GpuDevice {
  readonly limits: { readonly maxStorageBuffersPerShaderStage: number };
  readonly queue: {
    writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBuffer): void;
    submit(commands: readonly object[]): void;
  };
  createBuffer(options: { size: number; usage: number }): GpuBuffer;
  createShaderModule(options: { code: string }): object;
  createComputePipeline(
    options: { layout: "auto"; compute: { module: object; entryPoint: string } },
  ): Pipeline;
  createBindGroup(options: {
    layout: object;
    entries: readonly {
      binding: number;
      resource: { buffer: GpuBuffer; offset?: number; size?: number };
    }[];
  }): object;
  createCommandEncoder(): {
    beginComputePass(): ComputePass;
    copyBufferToBuffer(
      from: GpuBuffer,
      at: number,
      to: GpuBuffer,
      into: number,
      size: number,
    ): void;
    finish(): object;
  };
}

const storageUsage = 0x80 | 0x08; // STORAGE | COPY_DST
const uniformUsage = 0x40 | 0x08; // UNIFORM | COPY_DST
/** What offsets of bindings must be a multiple of on every device. */
const alignment = 256;
const maximumPartials = 64;
/** Workspaces of different lists of shapes that are kept. */
const kept = 4;

/** Buffers that hang on the shapes of the calls only. */
interface Workspace {
  readonly uniforms: GpuBuffer;
  readonly uniformStride: number;
  readonly partials: GpuBuffer;
  readonly sums: GpuBuffer;
  readonly rowSums: readonly (GpuBuffer | undefined)[];
  /** For each pass the jobs of the combining shader, and how many there are. */
  readonly jobs: readonly ({ buffer: GpuBuffer; count: number } | undefined)[];
  readonly first: readonly number[];
  readonly groups: readonly number[];
  readonly partialCount: number;
}

/** Compiled for one device. */
export interface WebgpuKernel {
  /** Encodes and submits the whole step; outputs are written, which may be the inputs of their names. */
  run(calls: readonly KernelCall<GpuBuffer>[]): void;
  /** Frees what the kernel keeps between steps. */
  dispose(): void;
}

/**
 * Compiles the program for the device.
 *
 * @throws {RangeError} If a stage needs more storage buffers than the device allows.
 */
export function webgpuKernel(program: Program, device: GpuDevice): WebgpuKernel {
  const limit = device.limits.maxStorageBuffersPerShaderStage;
  const lowered = lowerToWgsl(program, { storageBuffers: limit });
  for (const { kind, bindings } of lowered.flat()) {
    if (bindings.length > limit) {
      throw new RangeError(
        `Cannot run the update on WebGPU: its ${kind} stage needs ${bindings.length} storage buffers, the device allows ${limit}`,
      );
    }
  }
  const pipelineOf = (code: string) =>
    device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
  const passes = lowered.map((stages) =>
    stages.map((stage) => ({ stage, pipeline: pipelineOf(stage.code) }))
  );
  const combine = program.sums.some((s) => s.scope !== "row") ? pipelineOf(wgslCombine) : undefined;
  const workspaces = new Map<string, Workspace>();
  const sumStride = Math.ceil(program.sums.length * 4 / alignment) * alignment;

  const filled = (data: Uint32Array<ArrayBuffer>) => {
    const buffer = device.createBuffer({ size: data.byteLength, usage: storageUsage });
    device.queue.writeBuffer(buffer, 0, data.buffer);
    return buffer;
  };
  const make = (calls: readonly KernelCall<GpuBuffer>[]): Workspace => {
    const storage = (size: number) =>
      device.createBuffer({ size: Math.max(16, size), usage: storageUsage });
    const groups = calls.map(({ rows, columns }) =>
      Math.min(maximumPartials, Math.max(1, Math.ceil(rows * columns / (4 * wgslWorkgroupSize))))
    );
    const first = groups.map((_, i) => groups.slice(0, i).reduce((a, b) => a + b, 0));
    const partialCount = groups.reduce((a, b) => a + b, 0);
    const uniformStride = Math.ceil((16 + 4 * program.scalars.length) / alignment) * alignment;
    const usesRowSums = program.sums.some((s) => s.scope === "row");
    const mostSums = Math.max(0, ...lowered.flat().map((s) => s.sums.length));
    const jobs = lowered.map((stages) => {
      const reduce = stages.find(({ kind }) => kind === "reduce");
      if (!reduce) return undefined;
      const list = reduce.sums.flatMap((s, k) =>
        calls.map((_, i) => {
          const all = program.sums[s]!.scope === "all";
          const offset = k * partialCount + (all ? 0 : first[i]!);
          return [offset, all ? partialCount : groups[i]!, i * sumStride / 4 + s, 0];
        })
      );
      return { buffer: filled(Uint32Array.from(list.flat())), count: list.length };
    });
    return {
      uniforms: device.createBuffer({ size: uniformStride * calls.length, usage: uniformUsage }),
      uniformStride,
      partials: storage(partialCount * mostSums * 4),
      sums: storage(sumStride * calls.length),
      rowSums: calls.map(({ rows }) =>
        usesRowSums ? storage(program.sums.length * rows * 4) : undefined
      ),
      jobs,
      first,
      groups,
      partialCount,
    };
  };

  const free = (w: Workspace) => {
    const all = [w.uniforms, w.partials, w.sums, ...w.rowSums, ...w.jobs.map((j) => j?.buffer)];
    all.forEach((buffer) => buffer?.destroy());
  };

  const writeUniforms = (calls: readonly KernelCall<GpuBuffer>[], w: Workspace) => {
    const bytes = new ArrayBuffer(w.uniformStride * calls.length);
    calls.forEach(({ rows, columns, scalars }, i) => {
      const at = i * w.uniformStride;
      new Uint32Array(bytes, at, 4).set([rows, columns, w.first[i]!, w.partialCount]);
      new Float32Array(bytes, at + 16, scalars.length).set(scalars);
    });
    device.queue.writeBuffer(w.uniforms, 0, bytes);
  };

  const find = ({ inputs, outputs }: KernelCall<GpuBuffer>, name: string): GpuBuffer => {
    const output = program.outputs.findIndex((a) => a.name === name);
    return output >= 0
      ? outputs[output]!
      : inputs[program.inputs.findIndex((a) => a.name === name)]!;
  };
  /** Shaders read what they write from the same buffer: others for the outputs begin as copies. */
  const copied = program.outputs.flatMap(({ name, shape }, o) => {
    const k = program.inputs.findIndex((a) => a.name === name);
    return k >= 0 ? [{ o, k, shape }] : [];
  });
  const resources = (stage: WgslStage, call: KernelCall<GpuBuffer>, i: number, w: Workspace) => [
    {
      buffer: w.uniforms,
      offset: i * w.uniformStride,
      size: Math.ceil((16 + 4 * program.scalars.length) / 16) * 16,
    },
    ...stage.bindings.map(({ kind, name }) => {
      switch (kind) {
        case "array":
          return { buffer: find(call, name!) };
        case "partials":
          return { buffer: w.partials };
        case "rowSums":
          return { buffer: w.rowSums[i]! };
        case "sums":
          return { buffer: w.sums, offset: i * sumStride, size: sumStride };
      }
    }),
  ];
  const dispatch = (
    encoder: ComputePass,
    pipeline: Pipeline,
    given: readonly { buffer: GpuBuffer; offset?: number; size?: number }[],
    groups: number,
  ) => {
    encoder.setPipeline(pipeline);
    encoder.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: given.map((resource, binding) => ({ binding, resource })),
      }),
    );
    encoder.dispatchWorkgroups(
      Math.min(groups, wgslMaximumGroups),
      Math.ceil(groups / wgslMaximumGroups),
    );
  };

  return {
    run(given) {
      const calls = given.filter(({ rows, columns }) => rows * columns > 0);
      if (calls.length === 0) return;
      const key = calls.map(({ rows, columns }) => `${rows}x${columns}`).join();
      let w = workspaces.get(key);
      // Most recently used last; steps over ever other parameters must not gather workspaces.
      workspaces.delete(key);
      w ??= make(calls);
      workspaces.set(key, w);
      const [oldest] = workspaces.keys();
      if (workspaces.size > kept) {
        free(workspaces.get(oldest!)!);
        workspaces.delete(oldest!);
      }
      writeUniforms(calls, w);
      const commands = device.createCommandEncoder();
      for (const { rows, columns, inputs, outputs } of calls) {
        for (const { o, k, shape } of copied) {
          if (inputs[k] === outputs[o]) continue;
          const length = { element: rows * columns, row: rows, tensor: 1 }[shape];
          commands.copyBufferToBuffer(inputs[k]!, 0, outputs[o]!, 0, 4 * length);
        }
      }
      const pass = commands.beginComputePass();
      passes.forEach((stages, p) => {
        for (const { stage, pipeline } of stages) {
          calls.forEach((call, i) => {
            const { rows, columns } = call;
            const groups = {
              reduce: w.groups[i]!,
              reduceRows: rows,
              update: Math.ceil(rows * columns / wgslWorkgroupSize),
              updateRows: Math.ceil(rows / wgslWorkgroupSize),
            }[stage.kind];
            dispatch(pass, pipeline, resources(stage, call, i, w), groups);
          });
          if (stage.kind === "reduce") {
            const { buffer, count } = w.jobs[p]!;
            const list = [{ buffer }, { buffer: w.partials }, { buffer: w.sums }];
            dispatch(pass, combine!, list, count);
          }
        }
      });
      pass.end();
      device.queue.submit([commands.finish()]);
    },
    dispose() {
      for (const w of workspaces.values()) free(w);
      workspaces.clear();
    },
  };
}

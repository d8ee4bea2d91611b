/**
 * Runs the WGSL lowering on a GPUDevice: the plainest host that can, for conformance tests.
 *
 * @module
 */
import {
  type Backend,
  type KernelCall,
  layout,
  lowerToWgsl,
  type Program,
  wgslCombine,
  wgslMaximumGroups,
  type WgslStage,
  wgslWorkgroupSize,
} from "@precond/core";

/** A storage buffer of float32 values. */
export interface GpuArray {
  readonly buffer: GPUBuffer;
  readonly length: number;
}

const storage = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const uniform = 0x40 | 0x08; // UNIFORM | COPY_DST

/** A backend whose arrays are buffers of the device. */
export function webgpuBackend(device: GPUDevice): Backend<GpuArray> {
  const create = (length: number, usage = storage): GpuArray => ({
    // A buffer that is bound must not be empty, and uniforms come in multiples of 16 bytes.
    buffer: device.createBuffer({ size: Math.max(16, Math.ceil(length / 4) * 16), usage }),
    length,
  });
  const write = (values: Float32Array, shape: readonly number[]): GpuArray => {
    const { rows, columns } = layout(shape);
    const array = create(rows * columns);
    device.queue.writeBuffer(array.buffer, 0, values.slice());
    return array;
  };
  const pipelineOf = (code: string) =>
    device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
  const dispatch = (
    pipeline: GPUComputePipeline,
    uniforms: ArrayBuffer,
    buffers: readonly GPUBuffer[],
    groups: readonly [number, number],
  ) => {
    const { buffer } = create(uniforms.byteLength / 4, uniform);
    device.queue.writeBuffer(buffer, 0, uniforms);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [buffer, ...buffers].map((b, binding) => ({ binding, resource: { buffer: b } })),
      }),
    );
    pass.dispatchWorkgroups(...groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  const uniformsOf = ({ rows, columns, scalars }: KernelCall<GpuArray>) => {
    const bytes = new ArrayBuffer(8 + 4 * scalars.length);
    new Uint32Array(bytes, 0, 2).set([rows, columns]);
    new Float32Array(bytes, 8).set(scalars);
    return bytes;
  };
  const split = (count: number): readonly [number, number] => [
    Math.min(count, wgslMaximumGroups),
    Math.ceil(count / wgslMaximumGroups),
  ];

  const compile = (program: Program) => {
    const passes = lowerToWgsl(program).map((stages) =>
      stages.map((stage) => ({ ...stage, pipeline: pipelineOf(stage.code) }))
    );
    const combine = pipelineOf(wgslCombine);
    const run = (calls: readonly KernelCall<GpuArray>[]) => {
      const sums = calls.map(() => create(program.sums.length));
      const rowSums = calls.map(({ rows }) => create(program.sums.length * rows));
      const runStage = (
        stage: WgslStage & { pipeline: GPUComputePipeline },
        i: number,
        partials: GPUBuffer | undefined,
        groups: readonly [number, number],
      ) => {
        const { inputs, outputs } = calls[i]!;
        const find = (name: string) => {
          const at = program.inputs.findIndex((a) => a.name === name);
          return at >= 0
            ? inputs[at]!
            : outputs[program.outputs.findIndex((a) => a.name === name)]!;
        };
        const buffers = stage.bindings.map(({ kind, name }) =>
          kind === "array"
            ? find(name!).buffer
            : kind === "sums"
            ? sums[i]!.buffer
            : kind === "partials"
            ? partials!
            : rowSums[i]!.buffer
        );
        dispatch(stage.pipeline, uniformsOf(calls[i]!), buffers, groups);
      };
      for (const stages of passes) {
        for (const stage of stages) {
          const sizes = calls.map(({ rows, columns }) => rows * columns);
          if (stage.kind === "reduce") {
            // A few groups even for small tensors, so that partials have to be combined.
            const groups = 3;
            const partials = calls.map(() => create(groups * stage.sums.length));
            calls.forEach((_, i) => runStage(stage, i, partials[i]!.buffer, [groups, 1]));
            stage.sums.forEach((s, k) => {
              const all = program.sums[s]!.scope === "all";
              const gathered = create(groups * calls.length);
              const encoder = device.createCommandEncoder();
              partials.forEach(({ buffer }, i) =>
                encoder.copyBufferToBuffer(
                  buffer,
                  k * groups * 4,
                  gathered.buffer,
                  i * groups * 4,
                  groups * 4,
                )
              );
              device.queue.submit([encoder.finish()]);
              calls.forEach((_, i) => {
                const [count, offset] = all ? [groups * calls.length, 0] : [groups, i * groups];
                const uniforms = Uint32Array.of(count, offset, s, 0).buffer;
                dispatch(combine, uniforms, [gathered.buffer, sums[i]!.buffer], [1, 1]);
              });
            });
          } else {
            calls.forEach(({ rows }, i) => {
              const perGroup = stage.kind === "reduceRows" ? 1 : wgslWorkgroupSize;
              const items = stage.kind === "update" ? sizes[i]! : rows;
              runStage(stage, i, undefined, split(Math.ceil(items / perGroup)));
            });
          }
        }
      }
      return calls.map(({ outputs }) => ({ outputs, held: false }));
    };
    return { run };
  };

  return {
    name: "webgpu",
    compile,
    allocate(shape, fill) {
      const { rows, columns } = layout(shape);
      return write(new Float32Array(rows * columns).fill(fill), shape);
    },
    write,
    async read({ buffer, length }) {
      const staging = device.createBuffer({ size: buffer.size, usage: 0x01 | 0x08 });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(0x01);
      const values = new Float32Array(staging.getMappedRange().slice(0, length * 4));
      staging.destroy();
      return values;
    },
    dispose: ({ buffer }) => buffer.destroy(),
  };
}

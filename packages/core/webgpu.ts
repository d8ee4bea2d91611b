/**
 * Kernels and products on the buffers of a `GPUDevice`; what else an adapter is made of is in
 * `@precond/core/backend`.
 *
 * @module
 */
export {
  type GpuBuffer,
  type GpuDevice,
  type WebgpuKernel,
  webgpuKernel,
} from "./driver/webgpu_kernel.ts";
export { type WebgpuProducts, webgpuProducts } from "./products/webgpu.ts";
export {
  lowerToWgsl,
  type WgslBinding,
  wgslCombine,
  wgslMaximumGroups,
  type WgslStage,
  wgslWorkgroupSize,
} from "./lowerings/wgsl.ts";

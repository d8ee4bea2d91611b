/** Updates on the webgpu backend. @module */
import { checkActiveDevice, multiplyOnWebgpu, webgpuKernelFor } from "../backends/webgpu.ts";
import { checked } from "../backends/checked_products.ts";
import { provideBackend } from "./registry.ts";

provideBackend("webgpu", {
  kernel: webgpuKernelFor,
  multiply: checked(multiplyOnWebgpu),
  check: checkActiveDevice,
});

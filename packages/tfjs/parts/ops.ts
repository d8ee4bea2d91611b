/** Updates as plain tf ops, on every backend. @module */
import { multiplyWithOps } from "../backends/checked_products.ts";
import { opsKernel } from "../backends/ops.ts";
import { provide } from "./registry.ts";

const warned = new Set<string>();

provide("ops", {
  multiply: multiplyWithOps,
  kernel(program, refused) {
    if (refused !== undefined && !warned.has(refused)) {
      warned.add(refused);
      console.warn(
        `precond: this build or device does not allow fused kernels on ${refused}; the update runs as plain tf ops`,
      );
    }
    return opsKernel(program);
  },
});

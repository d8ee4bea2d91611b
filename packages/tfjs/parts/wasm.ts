/** Updates on the wasm backend. @module */
import { multiplyOnWasm, wasmKernelFor } from "../backends/wasm.ts";
import { checked } from "../backends/checked_products.ts";
import { provideBackend } from "./registry.ts";

// tf.matMul is XNNPACK only if nothing is transposed, and a loop over single elements otherwise: some
// thirty times slower.
provideBackend("wasm", { kernel: wasmKernelFor, multiply: checked(multiplyOnWasm) });

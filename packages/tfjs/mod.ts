/**
 * Preconditioned optimizers for TensorFlow.js.
 *
 * @module
 */
import "./parts/accumulation.ts";
import "./parts/cpu.ts";
import "./parts/ops.ts";
import "./parts/sampling.ts";
import "./parts/saving.ts";
import "./parts/telemetry.ts";
import "./parts/wasm.ts";
import "./parts/webgl.ts";
import "./parts/webgpu.ts";

export * from "./small/names.ts";

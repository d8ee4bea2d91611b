/**
 * What an adapter is made of: drivers, backends, lowerings, programs, state and telemetry on any
 * host's arrays; WebGPU is in `@precond/core/webgpu`. People who train need {@link https://www.npmjs.com/package/@precond/core | the root} alone.
 *
 * @module
 */
// By stars alone, so that a bundle has only what it uses of these: what a file names is kept together.
export * from "./adapter.ts";
export * from "./javascript.ts";

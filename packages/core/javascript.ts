/**
 * Kernels on Float32Arrays, compiled to JavaScript: what a host falls back to without WebAssembly, and
 * loads only then. It is in `@precond/core/backend`, too.
 *
 * @module
 */
export { arrayBackend } from "./driver/array_backend.ts";
export { interpret } from "./lowerings/interpreter.ts";
export { canGenerateCode, javascriptSource, lowerToJavaScript } from "./lowerings/javascript.ts";
export { multiplyArrays } from "./products/javascript.ts";

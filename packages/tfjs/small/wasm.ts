/**
 * What `@precond/tfjs` exports, for apps that train on the wasm backend alone: a third of the code. What
 * an app uses besides it imports, such as `import "@precond/tfjs/saving"`.
 *
 * @module
 */
import "../parts/wasm.ts";

export * from "./names.ts";

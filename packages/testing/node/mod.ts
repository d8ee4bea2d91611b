/**
 * What tests with files need, and running a module in Node.js, over the packages as they are built.
 *
 * @module
 */
export { inFolder } from "./in_folder.ts";
export { type Block, blocksOf, snippet } from "./snippet.ts";
export { runInNode } from "./run_in_node.ts";
export { swiftshader, type VulkanDriver } from "./swiftshader.ts";

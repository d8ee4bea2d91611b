/**
 * Runs a module in Node.js, over the packages as they are built.
 *
 * @module
 */
export { runInNode } from "./run_in_node.ts";
export { swiftshader, type VulkanDriver } from "./swiftshader.ts";

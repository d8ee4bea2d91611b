/**
 * Separate, composable preconditioners for training: curvature and signal-to-noise.
 *
 * @module
 */
export * from "./aliases.ts";
export {
  type Chain,
  chain,
  type ChainSlot,
  type Fresh,
  type Stage,
  weightsName,
} from "./chain/chain.ts";
export { type Match, matches } from "./chain/match.ts";
export {
  chainFor,
  type Definition,
  type Group,
  type Grouped,
  groupsOf,
  perParameter,
} from "./chain/per_parameter.ts";
export { scaleBy, type ScaleByOptions } from "./chain/scale_by.ts";
export type * from "./chain/types.ts";
export { arrayBackend, type PassRunner, runPasses } from "./driver/array_backend.ts";
export {
  type Backend,
  type Kernel,
  type KernelCall,
  type KernelResult,
  layout,
} from "./driver/backend.ts";
export type { ClippedCounts } from "./driver/clipped.ts";
export {
  type Contribution,
  createDriver,
  type Driver,
  type StepOptions,
  type StepResult,
} from "./driver/driver.ts";
export type { DriverState, ParameterState } from "./driver/driver_state.ts";
export { fastHostPasses } from "./driver/wasm_chunks.ts";
export { type WasmArray, wasmBackend } from "./driver/wasm_backend.ts";
export { type WasmHeap, wasmHeap } from "./driver/wasm_heap.ts";
export {
  type GpuBuffer,
  type GpuDevice,
  type WebgpuKernel,
  webgpuKernel,
} from "./driver/webgpu_kernel.ts";
export { hasWasmSimd, wasmKernel, type WasmScratch } from "./driver/wasm_kernel.ts";
export * as expr from "./kernel/expr.ts";
export type { ArrayShape, Cond, Expr, Operand, Scope } from "./kernel/expr.ts";
export {
  type ArrayRef,
  compileProgram,
  type Node,
  type Output,
  type Pass,
  type Program,
  type ProgramSource,
  type Rate,
  type Reduction,
} from "./kernel/program.ts";
export { interpret } from "./lowerings/interpreter.ts";
export {
  canGenerateCode,
  type HostPass,
  javascriptSource,
  lowerToJavaScript,
} from "./lowerings/javascript.ts";
export { type GlslStage, lowerToGlsl } from "./lowerings/glsl.ts";
export {
  type GlslDraw,
  type GlslDrawOptions,
  lowerToGlslDraws,
  type TexelWidth,
} from "./lowerings/glsl_draws.ts";
export {
  lowerToWgsl,
  type WgslBinding,
  wgslCombine,
  wgslMaximumGroups,
  type WgslStage,
  wgslWorkgroupSize,
} from "./lowerings/wgsl.ts";
export { wasmModule, type WasmSignature, wasmSignature } from "./lowerings/wasm.ts";
export {
  type ArrayContribution,
  createOptimizer,
  type Optimizer,
  type OptimizerOptions,
} from "./optimizer.ts";
export { parseDefinition, stringifyDefinition } from "./state/definition_json.ts";
export {
  exportState,
  importState,
  loadState,
  saveState,
  type StateTensor,
} from "./state/optimizer_state.ts";
export type { Json, Specification, Specified } from "./chain/specification.ts";
export {
  type NamedArray,
  readSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from "./state/safetensors.ts";
export {
  type Advice,
  advise,
  type ClippedReport,
  type NoiseReport,
  type TelemetryOptions,
  type TelemetryReport,
  toSeries,
} from "./telemetry/report.ts";
export * as telemetry from "./telemetry/summary.ts";
export * from "./estimators/mod.ts";
export * from "./transforms/mod.ts";

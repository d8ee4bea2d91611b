/**
 * What `@precond/core/backend` has besides the lowering to JavaScript.
 *
 * @module
 */
export {
  checkNone,
  checkOptions,
  checkValue,
  isPlain,
  type Kind,
  type Kinds,
  shown,
} from "./checks.ts";
export * as kinds from "./kinds.ts";
export { nearestName } from "./nearest_name.ts";
export { type OutputAxis, type Sides, sidesOf } from "./basis/sides.ts";
export {
  flowName,
  type Fresh,
  heldName,
  type Stage,
  updateName,
  weightsName,
  type Writes,
} from "./chain/build.ts";
export type { ChainSlot } from "./chain/chain.ts";
export { basisSlots, slotsOf, type StateSlot, turningSlots } from "./chain/slots.ts";
export {
  checkSetRate,
  type RateControl,
  rateControl,
  scheduledRate,
  type SetRate,
} from "./chain/rate.ts";
export { newestWeight, weights } from "./chain/ema.ts";
export { matches } from "./chain/match.ts";
export { chainFor, groupsOf } from "./chain/per_parameter.ts";
export { takesRawSquares } from "./chain/raw_squares.ts";
export {
  type Backend,
  type CopyCall,
  type Kernel,
  type KernelCall,
  type KernelResult,
  type LateRead,
  layout,
  type ProductCall,
} from "./driver/backend.ts";
export { clippedCounter } from "./driver/clipped.ts";
export type {
  ClippedCounter,
  ClippedCounts,
  Contribution,
  StepOptions,
} from "./driver/contribution.ts";
export { createDriver, type Driver, type StepResult } from "./driver/driver.ts";
export type { DriverState, ParameterState } from "./driver/driver_state.ts";
export { averageProgram, createRotation, type Rotated, type Rotation } from "./driver/rotation.ts";
export { type PassRunner, runPasses } from "./driver/run_passes.ts";
export { createScratch, type Scratch } from "./driver/scratch.ts";
export { fastHostPasses } from "./driver/wasm_chunks.ts";
export { type WasmArray, wasmBackend } from "./driver/wasm_backend.ts";
export { type WasmHeap, wasmHeap } from "./driver/wasm_heap.ts";
export { hasWasmSimd, wasmKernel, type WasmScratch } from "./driver/wasm_kernel.ts";
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
export { checkProduct } from "./products/check.ts";
export { productsOf } from "./products/products_of.ts";
export { wasmProducts } from "./products/wasm.ts";
export type { HostPass } from "./lowerings/host_pass.ts";
export { type GlslStage, lowerToGlsl } from "./lowerings/glsl.ts";
export {
  type GlslDraw,
  type GlslDrawOptions,
  lowerToGlslDraws,
  type TexelWidth,
} from "./lowerings/glsl_draws.ts";
export {
  type HostOperations,
  type OperationsCall,
  runOperations,
  type View,
} from "./lowerings/operations.ts";
export { wasmModule, type WasmSignature, wasmSignature } from "./lowerings/wasm.ts";
export * as wasmEncoder from "./lowerings/wasm_encoder.ts";
export { parseDefinition, stringifyDefinition } from "./state/definition_json.ts";
export { mergeKinds, mergeSaved, wholeWeights } from "./state/merge_states.ts";
export {
  exportState,
  importState,
  loadState,
  readingFor,
  type SavedOptimizer,
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
export { weightedMean } from "./state/weighted_mean.ts";
export {
  type Accumulator,
  accumulator,
  type AccumulatorOptions,
  type Gathered,
  type Means,
} from "./evidence/accumulate.ts";
export { type Computer, computer, type Run } from "./evidence/compute.ts";
export { createInspector, type Inspector } from "./evidence/inspector.ts";
export {
  type DifferenceArrays,
  type FiniteDifferences,
  finiteDifferences,
} from "./evidence/finite_differences.ts";
export {
  createWatcher,
  type MadeUpdate,
  type WatchedParameter,
  type Watcher,
  type WatcherHost,
} from "./evidence/watcher.ts";
export { toSeries } from "./evidence/report.ts";
export * as telemetry from "./evidence/summary.ts";

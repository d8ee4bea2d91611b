/**
 * Assertions, seeded evidence and the conformance suite that every adapter and backend runs.
 *
 * @module
 */
export { assertAllClose, type Tolerance } from "./assert_all_close.ts";
export {
  basisCases,
  type BasisHost,
  type ConformanceCase,
  conformanceCases,
  heldCases,
} from "./cases.ts";
export {
  checkConformance,
  type ConformanceOptions,
  float32Tolerance,
  type Subject,
  type SubjectFactory,
} from "./conformance.ts";
export {
  type AliasMaker,
  barsExample,
  checkDefaults,
  constantLoss,
  type DefaultCheck,
  type DefaultLosses,
  type DefaultRun,
  type DefaultTaskName,
  everyAlias,
  gradientAliases,
  pairsExample,
  recommendedAliases,
  type TaskData,
  taskData,
  taskExamples,
  tokensExample,
} from "./default_tasks.ts";
export {
  type EvidencePlan,
  type TestEvidence,
  type TestParameter,
  testParameters,
  type TestStep,
  testSteps,
} from "./evidence.ts";
export { checkExports } from "./exports.ts";
export {
  checkFailure,
  type FailingFactory,
  type FailingSubject,
  type FailureCase,
  failureCases,
  type Trouble,
} from "./failures.ts";
export {
  checkEveryFailure,
  checkKernelFailures,
  type FallibleTraining,
  steppedDefinitions,
  steppedShapes,
  type Troubled,
  troubled,
} from "./kernel_failures.ts";
export { checkAliasRefusals, checkHostRefusals, type HostUnderTest } from "./refusals.ts";
export { checkNonFinite, type Extremes, nonFiniteCases } from "./non_finite.ts";
export { drawActions, type DrawnAction, worthOf } from "./policy.ts";
export { type Random, random } from "./random.ts";
export { representatives } from "./representatives.ts";
export { backendSubject } from "./backend_subject.ts";
export { type GpuArray, webgpuBackend } from "./webgpu_backend.ts";
export {
  checkBackendProducts,
  checkGramMatrices,
  checkManyProducts,
  checkNonFiniteProducts,
  checkProducts,
  checkRepeatedProducts,
  exactProduct,
  type ProductCase,
  productCases,
  productOn,
  productSizes,
  type ProductTolerance,
} from "./products.ts";
export { checkReads } from "./reads.ts";
export { lossesOf } from "./losses_of.ts";
export {
  digitsCnn,
  multilayerPerceptron,
  type NetworkBuilder,
  type NetworkOptions,
  resnet50,
  transformer,
  type TransformerSizes,
} from "./networks.ts";

/**
 * What rules are made with. Whatever is loaded apart imports it from here, so that bundlers make one file
 * of it, not one for each set of importers that share something; name by name, as they look through
 * stars.
 *
 * @module
 */
export { CHEAP } from "../../graph/cheap_operators.ts";
export { keyOf, RANDOM } from "../../graph/common.ts";
export { constantNode } from "../../graph/constant_node.ts";
export {
  broadcastDims,
  type Dim,
  evaluate,
  isStatic,
  product,
  quotient,
  sameDims,
  substitute,
  symbolOf,
  symbolsOf,
} from "../../graph/dims.ts";
export {
  add,
  asScalar,
  broadcastOf,
  countOf,
  dimOf,
  div,
  expandLike,
  indicator,
  mul,
  named,
  neg,
  powerOf,
  reduceSum,
  reshape,
  reshapeLike,
  rootOf,
  shapeOf,
  signOf,
  square,
  squeeze,
  sub,
  sumTo,
  transpose,
  transposeLast,
  unsqueeze,
  where,
  zerosLike,
} from "../../graph/emit.ts";
export { floatInitializers } from "../../graph/float_initializers.ts";
export { knownAxes } from "../../graph/known_axes.ts";
export { late, waitsFor } from "../../graph/late.ts";
export { gradientContext, nodeContext } from "../../graph/node_context.ts";
export { replaceNode } from "../../graph/replace_node.ts";
export {
  type GradientContext,
  type Infer,
  type NodeContext,
  type OperatorRule,
  type Rewrite,
  type RuleLookup,
  ruleOf,
} from "../../graph/rule.ts";
export {
  freshNames,
  leavesLast,
  liveNodes,
  producersFirst,
  readersIn,
  readsOf,
  sortInPlace,
  sortNodes,
} from "../../graph/topology.ts";
export {
  type AttributeKind,
  attributeKinds,
  NEWEST_KNOWN_OPSET,
  unknownAttribute,
} from "../../model/attribute_kinds.ts";
export {
  type AttributeValue,
  bodiesOf,
  clampedNumber,
  type Float,
  float,
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  makeAttribute,
  nameOf,
  stringAttribute,
  stringsAttribute,
  tensorAttribute,
} from "../../model/attributes.ts";
export {
  arrayFor,
  bytesPerElement,
  DataType,
  dataTypeName,
  isFloating,
  isInteger,
  type TensorArray,
} from "../../model/data_type.ts";
export { OnnxError } from "../../model/onnx_error.ts";
export {
  bytesOf,
  makeTensor,
  tensorData,
  tensorDims,
  tensorIntegers,
  tensorSize,
} from "../../model/tensor.ts";
export { declaration, valueInfo } from "../../model/value_info.ts";
export { nonZero, reductions } from "../reductions.ts";
export { attributeAsInput, axisOf, isNumbers, numbersOf, passedOn, unknownDims } from "./axis.ts";
export { broadcastType, to } from "./broadcast.ts";
export {
  differenceOf,
  equal,
  greater,
  isClamped,
  not,
  ofNumbers,
  onIntegers,
  productOf,
  quotientOf,
  sumOf,
} from "./integers.ts";
export { axesAsInput, axesOf, reducedCount, reducedType, withAxes } from "./reduced.ts";
export {
  castLike,
  channels,
  inverseRoot,
  type Standardization,
  type Standardized,
  standardized,
  widened,
} from "./standardized.ts";
export { likeFirst, sameType, stepwise, unary } from "./unary.ts";

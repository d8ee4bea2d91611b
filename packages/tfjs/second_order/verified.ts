/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { type DoubtfulKernel, isRightOnWasm } from "./wasm_kernels.ts";

/** One recorded operation. */
export interface Operation {
  readonly inputs: tf.NamedTensorMap;
  readonly attrs: tf.NamedAttrMap;
}

/** Why this use of a verified kernel is not right, or undefined if it is. */
type Objection = (operation: Operation) => string | undefined;

const rounding: Objection = ({ attrs: { dimRoundingMode } }) =>
  dimRoundingMode == null || dimRoundingMode === "floor"
    ? undefined
    : `tfjs ignores dimRoundingMode "${dimRoundingMode}" in its gradient; use "floor"`;

const centers: Objection = ({ attrs }) =>
  attrs.halfPixelCenters
    ? "tfjs ignores halfPixelCenters in its gradient; leave it out"
    : undefined;

const onWasm = (kernels: readonly DoubtfulKernel[], advice: string): Objection => () =>
  tf.getBackend() !== "wasm" || kernels.every(isRightOnWasm)
    ? undefined
    : `the wasm backend has ${kernels.find((name) => !isRightOnWasm(name))} wrong; ${advice}`;

// The indices of negative maxima, which its second gradient needs.
const pooling = onWasm(["MaxPoolWithArgmax", "MaxPoolGrad"], "use another backend");
const volumes = onWasm(
  ["Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"],
  "import @precond/tfjs/wasm_training, or use another backend",
);

/** Uses of verified kernels that are not right. */
const objections: Readonly<Record<string, Objection>> = {
  AvgPool: rounding,
  MaxPool: (operation) => pooling(operation) ?? rounding(operation),
  MaxPoolGrad: pooling,
  Conv2D: rounding,
  Conv3D: volumes,
  Conv3DBackpropInputV2: volumes,
  Cumsum: ({ attrs }) =>
    attrs.reverse && tf.getBackend() === "webgpu"
      ? "the webgpu backend mixes up reverse sums over axes of different length; use tf.reverse before and after"
      : undefined,
  ResizeBilinear: centers,
  ResizeNearestNeighbor: centers,
  Cast: ({ inputs, attrs: { dtype } }) =>
    dtype === "float32" || inputs.x!.dtype !== "float32"
      ? undefined
      : `tfjs passes gradients through a cast to ${dtype} as if nothing were rounded; keep it off the path to the loss`,
  GatherV2: ({ attrs }) =>
    attrs.batchDims ? "its gradient for batchDims above 0 is not verified; use oneHot" : undefined,
};

/**
 * Kernels whose second derivatives the tests of this pack compare with central differences, by the
 * test in `ops/` that does.
 */
export const verifiedKernels: Readonly<Record<VerifiedGroup, readonly string[]>> = {
  elementwise: words(
    `Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ClipByValue Cos Cosh Elu EluGrad
    Equal
    Erf Exp Expm1 Floor Greater GreaterEqual Identity LeakyRelu Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Neg NotEqual OnesLike Reciprocal Relu Relu6 Round Rsqrt
    Selu Sigmoid Sign Sin Sinh Softmax Softplus Sqrt Square Step Tan Tanh ZerosLike`,
  ),
  arithmetic: words(`Add AddN Atan2 Maximum Minimum Mod Multiply Pow Prelu RealDiv Select
    SquaredDifference Sub`),
  reductions: words("ArgMax Cumsum FusedBatchNorm Max Mean Min OneHot Sum"),
  shapes: words(`BatchToSpaceND Concat ExpandDims GatherV2 Pack PadV2 Reshape Reverse
    Slice SpaceToBatchND SplitV Tile Transpose Unpack UnsortedSegmentSum`),
  products: words(`BatchMatMul Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D
    Conv3DBackpropFilterV2 Conv3DBackpropInputV2 DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput`),
  images: words(`AvgPool AvgPoolGrad MaxPool MaxPoolGrad ResizeBilinear ResizeBilinearGrad
    ResizeNearestNeighbor ResizeNearestNeighborGrad`),
};

type VerifiedGroup =
  | "elementwise"
  | "arithmetic"
  | "reductions"
  | "shapes"
  | "products"
  | "images";

function words(text: string): string[] {
  return text.split(/\s+/);
}

const verified: ReadonlySet<string> = new Set(Object.values(verifiedKernels).flat());

/** Operations made with `tf.customGrad` that are right; tfjs records the name of their scope. */
const custom: ReadonlySet<string> = new Set([
  "fusedConv2d__op",
  "fusedDepthwiseConv2d__op",
  "fusedMatMul__op",
  "logSoftmax__op", // the only one that saves its output, which the hook of the tape connects
]);

/** Why second derivatives through a kernel are not known to be right; undefined if they are. */
export function kernelObjection(kernel: string, operation: Operation): string | undefined {
  return verified.has(kernel)
    ? objections[kernel]?.(operation)
    : advice[kernel] ?? "its second derivative is not verified";
}

/** The same for an operation made with `tf.customGrad` in the named scope. */
export function customObjection(scope: string): string | undefined {
  if (custom.has(scope)) return undefined;
  return advice[scope] ??
    "the gradient function given to tf.customGrad hides what it depends on; write the operation without customGrad";
}

const advice: Readonly<Record<string, string>> = {
  softmaxCrossEntropy__op:
    "its gradient is a constant to tfjs; use softmaxCrossEntropy(labels, logits) of @precond/tfjs/second_order",
  logSigmoid__op: "its gradient uses a disposed tensor; use tf.neg(tf.softplus(tf.neg(x)))",
  Prod: "its gradient needs cumprod, which has none; multiply the slices of tf.unstack",
  FloorDiv: "its first gradient is that of a division; use tf.floor(tf.div(a, b))",
  MirrorPad: "its first gradient leaves out the mirrored part; use tf.pad, or tf.concat of slices",
  LRN: "its gradient kernel has none; write it with tf.square, tf.pad and tf.avgPool",
};

/** @module */
import { arithmetic } from "./arithmetic.ts";
import { matrix } from "./matrix.ts";
import { reductions } from "./reductions.ts";
import { axes } from "./axes.ts";
import { fills } from "./fills.ts";
import { gathers } from "./gather.ts";
import { joins } from "./joins.ts";
import { pads } from "./pads.ts";
import { resizes } from "./resize.ts";
import { scatters } from "./scatter.ts";
import { selections } from "./selection.ts";
import { slices } from "./slices.ts";
import { structure } from "./structure.ts";
import { transposes } from "./transpose.ts";
import { activations } from "./activations.ts";
import { shapes } from "./shapes.ts";
import { combine } from "./combine.ts";
import { comparisons } from "./comparisons.ts";
import { extrema } from "./extrema.ts";
import { gelus } from "./gelu.ts";
import { math } from "./math.ts";
import { powers } from "./powers.ts";
import { trigonometry } from "./trigonometry.ts";
import { convolution } from "./convolution/conv.ts";
import { transposedConvolution } from "./convolution/conv_transpose.ts";
import { products } from "./products.ts";
import { softmaxes } from "./softmax.ts";
import { crossEntropies } from "./cross_entropy.ts";
import { maxPooling } from "./pooling/max_pooling.ts";
import { pooling } from "./pooling/pooling.ts";
import { layerNormalizations } from "./normalization/layer_normalization.ts";
import { instanceNormalizations } from "./normalization/instance_normalization.ts";
import { batchNormalizations } from "./normalization/batch_normalization.ts";
import { contributed } from "./contributed.ts";
import { contributedNormalizations } from "./normalization/contributed_normalization.ts";
import { dropouts } from "./dropout.ts";
import { einsums } from "./einsum.ts";
import { recurrents } from "./recurrent/recurrent.ts";
import { attentions } from "./attention/attention.ts";
import { gridSamples } from "./images/grid_sample.ts";
import { images } from "./images/images.ts";
import { packedWeights } from "./packed.ts";
import { quantized } from "./quantized.ts";
import { sequences } from "./sequences.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** Every operator with a rule. */
export const rules: readonly OperatorRule[] = [
  arithmetic,
  activations,
  matrix,
  einsums,
  recurrents,
  convolution,
  transposedConvolution,
  maxPooling,
  pooling,
  reductions,
  shapes,
  structure,
  transposes,
  axes,
  joins,
  slices,
  pads,
  gathers,
  scatters,
  selections,
  resizes,
  fills,
  combine,
  comparisons,
  extrema,
  gelus,
  math,
  powers,
  trigonometry,
  products,
  softmaxes,
  crossEntropies,
  layerNormalizations,
  instanceNormalizations,
  batchNormalizations,
  contributed,
  contributedNormalizations,
  dropouts,
  attentions,
  gridSamples,
  images,
  quantized,
  packedWeights,
  sequences,
].flat();

const byName = new Map(rules.map((rule) => [`${rule.domain ?? ""}:${rule.opType}`, rule]));

/** The rule of an operator. */
export function ruleFor(opType: string, domain: string): OperatorRule | undefined {
  return byName.get(`${domain === "ai.onnx" ? "" : domain}:${opType}`);
}

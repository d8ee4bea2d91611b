import { differentiate } from "../../differentiate/differentiate.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
} from "../../_testing.ts";
import { trainingKernel } from "../_testing.ts";

const { FLOAT } = DataType;
const epsilon = float(0.1);

interface Variant extends Pick<GradientCase, "symbols" | "precision" | "outputs" | "fixed"> {
  readonly name: string;
  readonly axis?: number;
  readonly scale?: number[];
  readonly bias?: number[];
}

const variants: readonly Variant[] = [
  { name: "over the last axis" },
  { name: "with a bias", bias: [4] },
  { name: "over two axes", axis: 1, scale: [3, 4], bias: [3, 4] },
  { name: "over all axes", axis: -3, scale: [2, 3, 4], bias: [2, 3, 4] },
  { name: "with unknown sizes", bias: [4], symbols: { x: ["N", "T", 4] } },
  { name: "with unknown sizes throughout", symbols: { x: ["N", "T", "C"] } },
  { name: "of the input alone", bias: [4], fixed: ["s", "c"] },
  { name: "of the parameters alone", bias: [4], fixed: ["x"] },
];

function norm(opType: string, v: Variant): GradientCase {
  const rms = opType === "RMSNormalization";
  const bias = rms ? undefined : v.bias;
  return {
    ...v,
    name: `${opType} ${v.name}`,
    nodes: [
      makeNode(
        opType,
        bias === undefined ? ["x", "s"] : ["x", "s", "c"],
        rms ? ["y"] : ["y", "m", "r"],
        { epsilon, ...(v.axis === undefined ? {} : { axis: v.axis }) },
      ),
    ],
    inputs: {
      x: normal(1, [2, 3, 4]),
      s: normal(2, v.scale ?? [4]),
      ...(bias === undefined ? {} : { c: normal(3, bias) }),
    },
    opset: rms ? 23 : 17,
  };
}

for (const opType of ["LayerNormalization", "RMSNormalization"]) {
  testGradients(
    `${opType} has the gradient that central differences give`,
    variants.map((variant) => norm(opType, variant)),
  );
}

/** These outputs exist as float32 only. */
const further: readonly Variant[] = [
  { name: "by its mean", outputs: ["m"], fixed: ["s"] },
  { name: "by its deviation", outputs: ["r"], fixed: ["s"] },
  { name: "by all outputs", bias: [4], outputs: ["y", "m", "r"] },
];

testGradients(
  "LayerNormalization in float32 (a fused pass) has the same gradients",
  // Differences of float32 with steps of 0.05: 6e-8 / 0.05, a few terms, over a Hessian of ~10.
  [...variants, ...further].map((variant) => ({
    ...norm("LayerNormalization", variant),
    precision: "float",
    step: 0.05,
    tolerance: 1e-3,
  })),
);

Deno.test("LayerNormalization has the gradient of the training kernel", async () => {
  const inputs = {
    x: { ...normal(1, [3, 8]), type: FLOAT },
    s: { ...normal(2, [8]), type: FLOAT },
    c: { ...normal(3, [8]), type: FLOAT },
    dy: { ...normal(4, [3, 8]), type: FLOAT },
  };
  const model = makeModel({
    nodes: [
      makeNode("LayerNormalization", ["x", "s", "c"], ["y", "m", "r"]),
      makeNode("Mul", ["y", "dy"], ["p"]),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs,
    outputs: ["loss"],
  });
  const trainable = ["x", "s", "c"];
  const ours = differentiate(model, { output: "loss", trainable, outputs: ["m", "r"] });
  const found = await runModel(ours.model, inputs);
  const statistic = (name: string) => ({ dims: [3, 1], data: found[name]!.data, type: FLOAT });
  const feeds = {
    dy: inputs.dy,
    x: inputs.x,
    s: inputs.s,
    m: statistic("m"),
    r: statistic("r"),
  };
  const outputs = ["dx", "ds", "dc"];
  const expected = await trainingKernel("LayerNormalizationGrad", feeds, outputs, { opset: 14 });
  trainable.forEach((name, k) =>
    compare(found[`${name}_grad`]!.data, expected[outputs[k]!]!, 1e-5, name)
  );
});

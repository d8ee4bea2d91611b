/** @module */
import { float, floatAttribute, intAttribute, makeAttribute } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { declaration } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import { GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import { MICROSOFT, OPTIMIZER_INPUTS } from "./contract.ts";

/**
 * Hyperparameters of AdamW: with `c1 = 1 − αᵗ`, `c2 = 1 − βᵗ` (both 1 without `correctBias`)
 *
 * - mode 0: `w −= λ η w`, then `w −= η (m/c1) / (√(v/c2) + ε)`;
 * - mode 1: `w −= η (√c2/c1) m / (√v + ε)`, then `w −= λ η w`.
 */
export interface AdamWHyperparameters {
  readonly type: "adamw";
  /** Decay of the first moment. */
  readonly alpha: number;
  /** Decay of the second. */
  readonly beta: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly correctBias: boolean;
  readonly adamMode: 0 | 1;
  /** Largest global L2 norm of the gradients. */
  readonly clipNorm?: number;
}

/** Plain gradient descent: the learning rate is all. */
export interface SgdHyperparameters {
  readonly type: "sgd";
  readonly clipNorm?: number;
}

export type OptimizerHyperparameters = AdamWHyperparameters | SgdHyperparameters;

/**
 * The hyperparameters in an optimizer model. JavaScript cannot run one: its inputs are sequences.
 *
 * @throws {OnnxError} For a model without one of ONNX Runtime's optimizers.
 */
export function readOptimizerModel(model: ModelProto): OptimizerHyperparameters {
  const nodes = model.graph?.node.filter((node) => node.domain === MICROSOFT) ?? [];
  const clip = nodes.find((node) => node.opType === "InplaceClipGradNorm");
  const clipped = clip === undefined ? {} : { clipNorm: floatAttribute(clip, "max_norm", 1) };
  for (const node of nodes) {
    if (node.opType === "SGDOptimizerV2") return { type: "sgd", ...clipped };
    if (node.opType !== "AdamWOptimizer") continue;
    const adamMode = intAttribute(node, "adam_mode", 0);
    if (adamMode !== 0 && adamMode !== 1) {
      throw new OnnxError(`Cannot read the optimizer model: its adam_mode is ${adamMode}`);
    }
    return {
      type: "adamw",
      alpha: floatAttribute(node, "alpha", 0.9),
      beta: floatAttribute(node, "beta", 0.999),
      epsilon: floatAttribute(node, "epsilon", 1e-8),
      weightDecay: floatAttribute(node, "weight_decay", 0.01),
      correctBias: intAttribute(node, "correct_bias", 1) !== 0,
      adamMode,
      ...clipped,
    };
  }
  throw new OnnxError(
    `Cannot read the optimizer model: expected AdamWOptimizer or SGDOptimizerV2, found ${
      (model.graph?.node ?? []).map((node) => `${node.opType}`).join(", ") || "no node"
    }`,
  );
}

/** What ONNX Runtime's generator writes. */
export const ADAMW: AdamWHyperparameters = {
  type: "adamw",
  alpha: 0.9,
  beta: 0.999,
  epsilon: 1e-6,
  weightDecay: 0,
  correctBias: true,
  adamMode: 1,
};

/** An optimizer model as ONNX Runtime's training builds take it; `opset` as in the training model. */
export function makeOptimizerModel(
  optimizer: OptimizerHyperparameters,
  opset: number,
): ModelProto {
  const inputs = OPTIMIZER_INPUTS[optimizer.type];
  const clipped = optimizer.clipNorm === undefined ? "gradients" : "clipped_gradients";
  const nodes: NodeProto[] = [];
  const add = (
    opType: string,
    input: string[],
    output: string,
    attribute: NodeProto["attribute"],
  ) =>
    nodes.push(
      create(NodeProto, {
        opType,
        domain: MICROSOFT,
        name: opType,
        input,
        output: [output],
        attribute,
      }),
    );
  if (optimizer.clipNorm !== undefined) {
    add("InplaceClipGradNorm", ["gradients"], clipped, [
      makeAttribute("max_norm", float(optimizer.clipNorm)),
      makeAttribute("norm_type", "fro"),
    ]);
  }
  const given = inputs.map((name) => name === "gradients" ? clipped : name);
  const updated = `${optimizer.type}.updated_flag`;
  if (optimizer.type === "sgd") add("SGDOptimizerV2", given, updated, []);
  else {
    add("AdamWOptimizer", given, updated, [
      makeAttribute("alpha", float(optimizer.alpha)),
      makeAttribute("beta", float(optimizer.beta)),
      makeAttribute("epsilon", float(optimizer.epsilon)),
      makeAttribute("weight_decay", float(optimizer.weightDecay)),
      makeAttribute("correct_bias", optimizer.correctBias ? 1 : 0),
      makeAttribute("adam_mode", optimizer.adamMode),
    ]);
  }
  return create(ModelProto, {
    irVersion: 9n,
    producerName: "precond",
    opsetImport: [{ domain: "", version: BigInt(opset) }, { domain: MICROSOFT, version: 1n }],
    graph: create(GraphProto, {
      name: "optimizer",
      node: nodes,
      input: inputs.map((name) => {
        if (name === "learning_rate") return declaration(name, DataType.FLOAT, [1]);
        return name === "step" ? declaration(name, DataType.INT64, [1]) : sequence(name);
      }),
      output: [declaration(updated, DataType.BOOL, [1])],
    }),
  });
}

/** A sequence of float tensors, one for each parameter. */
function sequence(name: string): ValueInfoProto {
  const elemType = create(TypeProto, {
    value: { $case: "tensorType", value: { elemType: DataType.FLOAT } },
  });
  return create(ValueInfoProto, {
    name,
    type: create(TypeProto, { value: { $case: "sequenceType", value: { elemType } } }),
  });
}

/** @module */
import { dimOf, float, isStatic, shapeOf, transpose } from "./shared/mod.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/** An operator of ONNX Runtime that is rewritten into standard ones where it is read. */
function rewritten(opType: string, rewrite: (n: NodeContext) => void): OperatorRule {
  return {
    opType,
    domain: "com.microsoft",
    since: 1,
    upgrade: (n) => {
      rewrite(n);
      return true;
    },
  };
}

/** A matrix of {@linkcode fusedMatMul} as MatMul takes it. */
function operand(n: NodeContext, index: number, letter: "A" | "B"): string {
  const value = n.input(index)!;
  const dims = n.b.dims(value);
  const perm = dims.map((_, k) => k);
  // A vector is taken as it is, whatever the attributes say.
  if (dims.length < 2) return value;
  if (n.int(`transBatch${letter}`, 0) !== 0) {
    // The first axis moves behind the batch: [m, batch…, k] → [batch…, m, k].
    const [first, ...rest] = perm;
    perm.splice(0, perm.length, ...rest.slice(0, -1), first!, rest[rest.length - 1]!);
  }
  if (n.int(`trans${letter}`, 0) !== 0) perm.push(...perm.splice(-2).reverse());
  return transpose(n.b, value, perm);
}

/** `Z = α A' B'`, A' and B' transposed by attribute: Gemm for matrices. */
const fusedMatMul = rewritten("FusedMatMul", (n) => {
  const { b, node } = n;
  const alpha = n.float("alpha", 1);
  const outputs = node.output;
  const ranks = [0, 1].map((k) => b.dims(n.input(k)!).length);
  const batches = n.int("transBatchA", 0) !== 0 || n.int("transBatchB", 0) !== 0;
  if (ranks.every((rank) => rank === 2) && !batches) {
    b.node("Gemm", [n.input(0), n.input(1)], {
      alpha: float(alpha),
      transA: n.int("transA", 0),
      transB: n.int("transB", 0),
    }, { outputs });
    return;
  }
  const inputs = [operand(n, 0, "A"), operand(n, 1, "B")];
  if (alpha === 1) b.node("MatMul", inputs, {}, { outputs });
  else {
    const product = b.op("MatMul", inputs);
    b.node("Mul", [product, b.scalar(alpha, product)], {}, { outputs });
  }
});

/** Concat; its second output is the size of each input along the axis. */
const concatTraining = rewritten("ConcatTraining", (n) => {
  const { b, node } = n;
  const [joined, lengths] = node.output;
  const axis = n.int("axis", 0);
  b.node("Concat", node.input, { axis }, { outputs: [joined!] });
  if (lengths === undefined || lengths === "") return;
  const sizes = node.input.map((name) => {
    const dims = b.dims(name);
    return dims[axis < 0 ? axis + dims.length : axis]!;
  });
  if (isStatic(sizes)) b.alias(b.ints(sizes), lengths);
  else {
    const each = node.input.map((name) => dimOf(b, name, axis));
    b.node("Concat", each, { axis: 0 }, { outputs: [lengths] });
  }
});

/** SoftmaxCrossEntropyLoss whose ignored label is an input. */
const crossEntropyInternal = rewritten("SoftmaxCrossEntropyLossInternal", (n) => {
  const { b, node } = n;
  const ignored = n.input(3);
  const label = ignored === undefined ? undefined : b.known(ignored)?.[0];
  if (ignored !== undefined && typeof label !== "number") {
    n.refuse("read", `its ignored label "${ignored}" is not a constant`);
  }
  const type = b.dataType(n.input(0)!);
  const wanted = n.int("output_type", type);
  const cast = wanted !== 0 && wanted !== type;
  const [loss = "", logs = ""] = node.output;
  const named = cast ? b.fresh(`${loss}_uncast`) : loss;
  b.node("SoftmaxCrossEntropyLoss", [n.input(0), n.input(1), n.input(2)], {
    reduction: n.string("reduction", "mean"),
    ignore_index: typeof label === "number" ? label : undefined,
  }, { outputs: logs === "" ? [named] : [named, logs] });
  if (cast) b.node("Cast", [named], { to: wanted }, { outputs: [loss] });
});

/** `y = x s`, or `x / s` with `scale_down`; s is a scalar. */
const scale = rewritten("Scale", (n) => {
  const { b, node } = n;
  const [x, s] = [n.input(0)!, n.input(1)!];
  const factor = b.dataType(s) === b.dataType(x) ? s : b.op("Cast", [s], { to: b.dataType(x) });
  // A scale of shape [1] must not raise the rank of a scalar.
  const scalar = b.type(x)?.dims?.length === 0 ? b.op("Reshape", [factor, shapeOf(b, x)]) : factor;
  b.node(n.int("scale_down", 0) !== 0 ? "Div" : "Mul", [x, scalar], {}, { outputs: node.output });
});

/** Forward operators of ONNX Runtime's training artifacts, but normalizations and Gelu's kin. */
export const contributed: readonly OperatorRule[] = [
  fusedMatMul,
  concatTraining,
  crossEntropyInternal,
  scale,
];

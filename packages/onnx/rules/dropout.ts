/** @module */
import { DataType, mul, sameType, tensorData, where } from "./shared/mod.ts";
import type { Builder } from "../graph/builder.ts";
import { randoms } from "./random.ts";
import { uniformLike } from "./shared/uniform.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/** Name of the graph input that all masks are drawn from. */
export const DROPOUT_SEED = "dropout_seed";

/**
 * In training `y = x ⊙ mask / (1 − ratio)`, each element of mask 1 with probability 1 − ratio; else
 * `y = x`. Written out on loading: the mask is a function of the graph input `dropout_seed` and of
 * the node's number, so that it is the same in both directions, and on every provider.
 */
const dropout: OperatorRule = {
  opType: "Dropout",
  since: 7,
  constants: [1],
  upgrade: (n) => {
    const { b, node } = n;
    const x = n.input(0)!;
    const [output, mask] = [node.output[0]!, node.output[1] ?? ""];
    // Numbered in either mode: what a node draws does not depend on the others' modes.
    const stream = b.serial("Dropout");
    const training = modeOf(n);
    if (training === false) {
      b.alias(x, output);
      if (mask !== "") {
        b.node("Expand", [maskOnes(n, x), b.op("Shape", [x])], {}, { outputs: [mask] });
      }
      return true;
    }
    const ratio = ratioOf(n, x);
    const seed = b.requestInput(DROPOUT_SEED, { dataType: DataType.FLOAT, dims: [] });
    let kept = b.op("GreaterOrEqual", [uniformLike(b, x, { seed, stream }), ratio.threshold]);
    let factor = where(b, kept, ratio.scale, b.scalar(0, x));
    if (training !== true) {
      factor = where(b, training, factor, b.scalar(1, x));
      kept = b.op("Or", [kept, b.op("Not", [training])]);
    }
    b.alias(mul(b, x, factor), output);
    // The mask was of the type of x before opset 10.
    if (mask !== "" && n.opset < 10) b.node("Cast", [kept], { to: b.dataType(x) }, outputs(mask));
    else if (mask !== "") b.alias(kept, mask);
    return true;
  },
  // Not reached by graphs that are loaded: here for the registry's table.
  infer: (n) => {
    const [type] = sameType(n);
    return type === undefined ? [] : [type, { dataType: DataType.BOOL, dims: type.dims }];
  },
};

const outputs = (name: string) => ({ outputs: [name] });

/** Whether the node drops; the name of a bool that tells where only the run knows. */
function modeOf(n: NodeContext): boolean | string {
  if (n.b.training !== undefined) return n.b.training;
  const given = n.input(2);
  if (given === undefined) return false; // before opset 12 always
  const known = n.b.known(given);
  return known === undefined ? given : known[0] === 1;
}

/** All true (before opset 10: 1). */
const maskOnes = (n: NodeContext, x: string) =>
  n.opset < 10 ? n.b.scalar(1, x) : n.b.constant([1], DataType.BOOL, []);

interface Ratio {
  /** Uniforms from here on are kept. */
  readonly threshold: string;
  /** `1/(1 − ratio)` in the type of x. */
  readonly scale: string;
}

/** The ratio: an attribute before opset 12, an input since; 0.5 where it is left out. */
function ratioOf(n: NodeContext, x: string): Ratio {
  const { b } = n;
  const name = n.input(1);
  const value = name === undefined ? n.float("ratio", 0.5) : storedNumber(b, name);
  if (value !== undefined) {
    if (!(value >= 0 && value < 1)) n.refuse("read", `its ratio is ${value}, not in [0, 1)`);
    return {
      // Half a level lower: the uniforms are the lower ends of their 2¹⁶ intervals.
      threshold: b.constant([value - 2 ** -17], DataType.FLOAT, []),
      scale: b.scalar(1 / (1 - value), x),
    };
  }
  const wide = b.op("Cast", [name], { to: DataType.FLOAT });
  const one = b.constant([1], DataType.FLOAT, []);
  const scale = b.op("Reciprocal", [b.op("Sub", [one, wide])]);
  return { threshold: wide, scale: b.op("Cast", [scale], { to: b.dataType(x) }) };
}

/** A float scalar that is stored in the model. */
function storedNumber(b: Builder, name: string): number | undefined {
  const known = b.scalarValue(name);
  if (known !== undefined) return known;
  const tensor = b.initializers.get(name);
  if (tensor === undefined) {
    const node = b.producer(name);
    return node?.opType === "Identity" ? storedNumber(b, node.input[0]!) : undefined;
  }
  const data = tensorData(tensor);
  if (data.length !== 1) return undefined;
  // float16 is read as bits: left to the run.
  return data instanceof Float32Array || data instanceof Float64Array ? data[0] : undefined;
}

/** Dropout, and draws that one multiplies with. */
export const dropouts: readonly OperatorRule[] = [dropout, ...randoms];

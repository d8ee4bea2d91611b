/** @module */
import type { Builder, Operand } from "../graph/builder.ts";
import type { Dim } from "../graph/dims.ts";
import {
  add,
  countOf,
  div,
  gradientContext,
  intAttribute,
  mul,
  nameOf,
  OnnxError,
  readsOf,
  reduceSum,
  square,
} from "../rules/shared/mod.ts";
import type { RuleLookup } from "../graph/rule.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { type Examples, refuseExamples, type Shares } from "../rules/per_example/examples.ts";
import { perExampleRules } from "../rules/per_example/rules.ts";
import { isEmbeddingLoss } from "./embedding_losses.ts";
import { type Growth, nameResults } from "./growth.ts";
import type { SquaresOptions } from "./squares_options.ts";

/** Operators that only move elements: squares go back through them as gradients do. */
const MOVES = new Set(["Transpose", "Reshape", "Identity", "Flatten", "Squeeze", "Unsqueeze"]);

/** Appends the mean squared gradients of single examples. */
export function appendSquares(
  growth: Growth,
  options: SquaresOptions = {},
): Map<string, string> {
  const { b, parts, graph, forward, cotangents, gradients, parameters } = growth;
  const batchInput = options.batchInput ?? graph.inputs[0]?.name;
  const batch = batchInput === undefined ? undefined : b.type(batchInput)?.dims?.[0];
  if (batch === undefined) {
    throw new OnnxError(
      `Cannot square the gradients of single examples: input "${batchInput}" has no batch axis`,
    );
  }
  const { loss } = growth.options;
  if (loss !== undefined && isEmbeddingLoss(loss)) {
    throw new OnnxError(
      `Cannot square the gradients of single examples: the ${loss.type} loss compares examples with ` +
        `each other; use micro-batches`,
    );
  }
  const reduction = options.reduction ?? growth.options.loss?.reduction ?? "mean";
  // g_i is B times example i's share of a mean's gradient.
  const scaleOf = (parameter: string) => {
    const size = countOf(b, batchInput!, [0], parameter);
    return reduction === "mean" ? size : inverse(b, size, parameter);
  };
  const common = {
    b,
    lookup: parts.lookup,
    batch,
    batchInput: batchInput!,
    led: ledBy(forward, graph.inputs.map((i) => i.name).filter((name) => led(b, name, batch))),
    ...usesIn(forward, cotangents),
  };
  refuseMixing(forward, cotangents);
  refuseMissing(common, parameters);
  const found = new Map(
    parameters.map((name) => [name, squaresOf({ ...common, scale: scaleOf(name) }, name)]),
  );
  const sums = new Map<string, string>();
  for (const [name, parts] of found) {
    if (parts?.sum !== undefined) sums.set(gradients.get(name)!, parts.sum);
  }
  remake(b, sums);
  return nameResults(
    b,
    new Map([...found].map(([name, parts]) => [name, parts?.squares])),
    "_squares",
  );
}

const inverse = (b: Builder, size: Operand, like: string): Operand =>
  typeof size === "number" ? 1 / size : div(b, b.scalar(1, like), size);

/** Gives named results another value: the nodes that made them go where nothing else needs them. */
function remake(b: Builder, values: ReadonlyMap<string, string>): void {
  const makers = new Set([...values.keys()].map((name) => b.producer(name)));
  const kept = b.nodes.filter((node) => !makers.has(node));
  b.nodes.length = 0;
  for (const node of kept) b.nodes.push(node);
  for (const [name, value] of values) b.alias(value, name);
}

interface Reader {
  readonly b: Builder;
  readonly lookup: RuleLookup;
  readonly batch: Dim;
  readonly batchInput: string;
  /** What `Σ_i G_i²` is multiplied by. */
  readonly scale: Operand;
  readonly cotangents: ReadonlyMap<string, string>;
  /** Values that hold something of the batch. */
  readonly led: ReadonlySet<string>;
  /** Where each value enters nodes through which the loss depends on it. */
  readonly uses: ReadonlyMap<string, readonly Use[]>;
}

interface Use {
  readonly node: NodeProto;
  readonly index: number;
}

const led = (b: Builder, name: string, batch: Dim) => b.type(name)?.dims?.[0] === batch;

/** What depends on the contents of any of `sources`, not only on their shapes. */
function ledBy(forward: readonly NodeProto[], sources: readonly string[]): Set<string> {
  const found = new Set(sources);
  for (const node of forward) {
    if (node.opType === "Shape" || node.opType === "Size") continue;
    if (!readsOf(node).some((name) => found.has(name))) continue;
    for (const name of node.output) if (name !== "") found.add(name);
  }
  return found;
}

function usesIn(
  forward: readonly NodeProto[],
  cotangents: ReadonlyMap<string, string>,
): Pick<Reader, "cotangents" | "uses"> {
  const uses = new Map<string, Use[]>();
  for (const node of forward) {
    if (!node.output.some((name) => cotangents.has(name))) continue;
    node.input.forEach((name, index) => {
      const list = uses.get(name);
      if (list === undefined) uses.set(name, [{ node, index }]);
      else list.push({ node, index });
    });
  }
  return { cotangents, uses };
}

const usesOf = ({ uses }: Pick<Reader, "uses">, value: string): readonly Use[] =>
  uses.get(value) ?? [];

/** What stands behind such a node gets a cotangent to which all examples contribute. */
function refuseMixing(
  forward: readonly NodeProto[],
  cotangents: ReadonlyMap<string, string>,
): void {
  for (const node of forward) {
    if (node.opType !== "BatchNormalization" || !cotangents.has(node.output[0]!)) continue;
    if (intAttribute(node, "training_mode", 0) === 0) continue;
    throw new OnnxError(
      `Cannot square the gradients of single examples in BatchNormalization "${nameOf(node)}": ` +
        `in training mode every example changes the statistics of all`,
      { node: nameOf(node) },
    );
  }
}

function refuseMissing(reader: Pick<Reader, "uses">, parameters: readonly string[]): void {
  const missing: string[] = [];
  const visit = (value: string, parameter: string) => {
    for (const { node } of usesOf(reader, value)) {
      if (MOVES.has(node.opType)) visit(node.output[0]!, parameter);
      else if (!perExampleRules.has(node.opType) || node.domain !== "") {
        missing.push(`${node.opType} "${nameOf(node)}" (of "${parameter}")`);
      }
    }
  };
  for (const name of parameters) visit(name, name);
  if (missing.length > 0) {
    throw new OnnxError(
      `Cannot square the gradients of single examples: no rule for ${missing.join(", ")}`,
    );
  }
}

/** What the shares of the single examples come to. */
interface Parts {
  /** `scale Σ_i G_i²`. */
  readonly squares: string;
  /** `Σ_i G_i`, the gradient itself, where that is cheaper than the operator's own rule. */
  readonly sum?: string;
}

/** The squares of a value's shares; undefined where there are none. */
function squaresOf(reader: Reader, value: string): Parts | undefined {
  const uses = usesOf(reader, value);
  if (uses.length !== 1) {
    const shares = sharesOf(reader, value);
    return shares === undefined ? undefined : partsOf(reader, { value: shares });
  }
  const { node, index } = uses[0]!;
  if (MOVES.has(node.opType)) {
    const parts = squaresOf(reader, node.output[0]!);
    if (parts === undefined) return undefined;
    return {
      squares: back(reader, node, parts.squares),
      ...(parts.sum === undefined ? {} : { sum: back(reader, node, parts.sum) }),
    };
  }
  const { rule, examples } = prepare(reader, node);
  const squares = rule.squares?.(examples, index, reader.scale);
  return squares === undefined ? partsOf(reader, rule.shares(examples, index)) : { squares };
}

/** The shares being there anyhow, their sum is cheaper than one more product of matrices. */
function partsOf({ b, scale }: Reader, { value, arrange = (y) => y }: Shares): Parts {
  // ReduceSumSquare is the slower of the two ways.
  const squares = reduceSum(b, square(b, value), [0], false);
  return {
    squares: mul(b, arrange(squares, []), scale),
    sum: arrange(reduceSum(b, value, [0], false), []),
  };
}

/** The shares of the single examples along a new first axis; a value used twice adds them up. */
function sharesOf(reader: Reader, value: string): string | undefined {
  const { b, batch } = reader;
  let sum: string | undefined;
  for (const { node, index } of usesOf(reader, value)) {
    if (MOVES.has(node.opType)) {
      throw new OnnxError(
        `Cannot square the gradients of single examples: "${value}" is used more than once, ` +
          `one of the uses is ${node.opType} "${nameOf(node)}"`,
        { node: nameOf(node) },
      );
    }
    const { rule, examples } = prepare(reader, node);
    const shares = rule.shares(examples, index);
    const own = shares.arrange?.(shares.value, [batch]) ?? shares.value;
    sum = sum === undefined ? own : add(b, sum, own);
  }
  return sum;
}

function prepare({ b, batch, batchInput, cotangents, led }: Reader, node: NodeProto) {
  const arrived = node.output.map((name) => cotangents.get(name));
  const examples: Examples = {
    ...gradientContext(node, b, arrived, () => true),
    batch,
    batchInput,
  };
  // Of known sizes one that equals the batch's by chance would be taken for it.
  if (typeof batch === "number" && !led.has(node.output[0]!)) {
    refuseExamples(
      examples,
      `no input whose first axis is the batch (${batch}) enters it; a batch with a name instead of ` +
        `a size would tell them apart`,
    );
  }
  return { rule: perExampleRules.get(node.opType)!, examples };
}

function back({ b, lookup }: Reader, node: NodeProto, cotangent: string): string {
  const n = gradientContext(node, b, [cotangent], (index) => index === 0);
  const rule = lookup(node.opType, node.domain)!.gradient;
  return (rule as (context: typeof n) => readonly (string | undefined)[])(n)[0]!;
}

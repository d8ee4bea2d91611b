/** @module */
import type { Chain, Definition, Scalars } from "@precond/core";
import {
  basisSlots,
  chainFor,
  checkOptions,
  checkValue,
  type Fresh,
  type Kind,
  type OutputAxis,
  type Program,
  sidesOf,
  slotsOf,
  weightsName,
} from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import { buildModel, DataType, type ModelBuilder, type ModelProto } from "@precond/onnx";
import { basisOf, type GraphBasis } from "./graph_basis.ts";
import type { GraphParameter } from "./graph_parameter.ts";
import { type GraphItem, lowerChain } from "./lower_chain.ts";

/** Options of {@linkcode optimizerGraph}. */
export interface OptimizerGraphOptions {
  /**
   * Steps for which the scalars (bias corrections, learning rates) are tabulated; later ones use the
   * last row. Default 10000.
   */
  readonly steps?: number;
  /** Which samples step t (from 1) brings. Default: curvature when the definition's cadence says so. */
  readonly evidence?: (step: number) => Fresh;
  /** Which samples this graph takes; it is only for steps that bring exactly these. Default none. */
  readonly fresh?: Fresh;
  /**
   * Where convolutions have their output channels, which a basis sets against all other axes. Default
   * "first", as in ONNX's Conv.
   */
  readonly outputAxis?: OutputAxis;
  /** Examples in the batch and micro-batches of step t. Default 1 and 1. */
  readonly batch?: (step: number) => { readonly batchSize: number; readonly microBatches: number };
}

const parameterKind: Kind = {
  must: "be { name, shape }",
  type: (p: GraphParameter) =>
    typeof p?.name === "string" && Array.isArray(p.shape) &&
    p.shape.every((size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0),
};
const optionKinds: Record<keyof OptimizerGraphOptions, Kind> = {
  // Its range is checked below.
  steps: kinds.finite,
  evidence: kinds.callable,
  fresh: {
    must: "be { gradientSquares, curvature }",
    type: (value) => typeof value === "object" && value !== null,
  },
  outputAxis: kinds.oneOf("first", "last"),
  batch: kinds.callable,
};

/** What {@linkcode optimizerGraph} returns. */
export interface OptimizerGraph {
  /**
   * Inputs: each parameter `<p>`, `<p>_grad`, as `fresh` has it `<p>_squares` and `<p>_curvature`,
   * `<p>::step` (int64 scalar: its updates so far, without those that were held), and each slot
   * `<p>::<stage>.<slot>`; outputs: all of these that change, with `_updated` appended.
   */
  readonly model: ModelProto;
  /** Slots by input name, with their initial value; steps start at 0. */
  readonly slots: ReadonlyMap<string, GraphSlot>;
  /** What the host has to refresh, if the chain has a basis: see {@linkcode refreshBasis}. */
  readonly bases: readonly GraphBasis[];
}

/** A slot's shape and what it starts with. */
export interface GraphSlot {
  readonly shape: readonly number[];
  /** The initial value of all elements; with `identity`, of those beside the diagonal. */
  readonly fill: number;
  /** Starts as the identity matrix: eigenvectors. */
  readonly identity?: boolean;
}

/**
 * Any optimizer as a graph of standard ONNX operators, so that a runtime without JavaScript can apply
 * it; the rule is the same program that every other backend runs.
 *
 * Scalars are functions of the step on the host, in float64: the graph holds a table of them, one row
 * a step. A chain with a basis is products of matrices between its programs; ONNX has no eigenvectors,
 * so that those are the host's to refresh, see {@linkcode refreshBasis}. Where single tensors are held (skipNonFinite({ scope: "tensor" })), schedules follow each
 * parameter's own steps.
 *
 * @throws {TypeError} For arguments and options of another kind.
 * @throws {RangeError} If `steps` is not a positive integer.
 *
 * @example
 * ```ts
 * import { adamW } from "@precond/core";
 * import { writeModel } from "@precond/onnx";
 * import { optimizerGraph } from "@precond/onnxruntime";
 *
 * const { model } = optimizerGraph(adamW(), [{ name: "w", shape: [784, 10] }], { steps: 1000 });
 * const bytes = writeModel(model);
 * ```
 */
export function optimizerGraph(
  definition: Definition,
  parameters: readonly GraphParameter[],
  options: OptimizerGraphOptions = {},
): OptimizerGraph {
  const action = "make an optimizer graph";
  checkValue(action, definition, kinds.definition, "definition");
  checkValue(action, parameters, kinds.listOf(parameterKind), "parameters");
  checkOptions(action, options, optionKinds);
  const {
    steps = 10_000,
    fresh = { gradientSquares: false, curvature: false },
    outputAxis = "first",
  } = options;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(
      `Cannot make an optimizer graph: steps must be a positive integer, current value is ${steps}`,
    );
  }
  const m = buildModel();
  const slots = new Map<string, GraphSlot>();
  const bases: GraphBasis[] = [];
  const one = constant(m, "one_step", 1);
  const last = constant(m, "last_row", steps - 1);
  const groups = new Map<Chain, GraphParameter[]>();
  for (const p of parameters) {
    const chain = chainFor(definition, p);
    groups.set(chain, [...(groups.get(chain) ?? []), p]);
  }
  for (const [chain, members] of groups) {
    const tables = new Map<string, string>();
    const vector = (program: Program, p: GraphParameter, row: string): string => {
      if (program.scalars.length === 0) return "";
      const key = `${program.scalars.join()} ${chain.perParameter ? p.name : ""}`;
      let table = tables.get(key);
      if (table === undefined) {
        const values = tabulate(chain, program, p, steps, definition, options);
        const name = `scalars.${tables.size}.${groups.size}.${p.name}`;
        table = m.parameter(name, [steps, program.scalars.length], values);
        tables.set(key, table);
      }
      return m.op("Gather", [table, row], { axis: 0 });
    };
    const examples = options.batch?.(1).batchSize ?? 1;
    const items = members.map((p): GraphItem => {
      const step = m.input(`${p.name}::step`, [], DataType.INT64);
      const row = m.op("Min", [step, last]);
      const inputs = new Map<string, string>();
      inputs.set(weightsName, m.input(p.name, p.shape));
      inputs.set("gradient", m.input(`${p.name}_grad`, p.shape));
      if (fresh.gradientSquares) {
        inputs.set("gradientSquares", m.input(`${p.name}_squares`, p.shape));
      }
      if (fresh.curvature) inputs.set("curvature", m.input(`${p.name}_curvature`, p.shape));
      const sides = chain.basis &&
        sidesOf(chain.basis, p.shape, outputAxis, { examples, rows: p.rowsPerStep });
      const vectors: readonly string[] = Object.values(basisSlots).map((s) => s.vectors);
      for (const { name, shape, fill } of slotsOf(chain, p.shape, sides)) {
        const outer = `${p.name}::${name}`;
        slots.set(outer, { shape, fill, ...(vectors.includes(name) ? { identity: true } : {}) });
        inputs.set(name, m.input(outer, shape));
      }
      const basis = sides && basisOf(chain, p, sides);
      if (basis) bases.push(basis);
      const scalars = (program: Program) => vector(program, p, row);
      return { name: p.name, shape: p.shape, row, inputs, scalars, ...(sides ? { sides } : {}) };
    });
    const results = lowerChain(m, chain, items, fresh, steps);
    members.forEach((p, k) => {
      for (const [name, value] of results[k]!.outputs) {
        const outer = name === weightsName ? p.name : `${p.name}::${name}`;
        m.output(m.op("Identity", [value], {}, `${outer}_updated`));
      }
      const { held } = results[k]!;
      const step = `${p.name}::step`;
      const next = m.op("Add", [step, one]);
      const updated = `${step}_updated`;
      m.output(
        held === undefined
          ? m.op("Identity", [next], {}, updated)
          : m.op("Where", [held, step, next], {}, updated),
      );
    });
  }
  return { model: m.build(), slots, bases };
}

const constant = (m: ModelBuilder, name: string, value: number) =>
  m.parameter(name, [], BigInt64Array.of(BigInt(value)));

/** Scalars of every step, as the host would compute them. */
function tabulate(
  chain: Chain,
  program: Program,
  parameter: GraphParameter,
  steps: number,
  { curvature, needs }: Definition,
  { evidence, batch }: OptimizerGraphOptions,
): Float32Array {
  const width = program.scalars.length;
  const table = new Float32Array(steps * width);
  const places = program.scalars.map((name) => {
    const dot = name.indexOf(".");
    const stage = chain.stages.findIndex((s) => s.name === name.slice(0, dot));
    return [stage, name.slice(dot + 1)] as const;
  });
  const due = (step: number): Fresh => ({
    gradientSquares: needs.includes("gradientSquares"),
    curvature: needs.includes("curvature") && curvature !== undefined &&
      (step - 1) % curvature.every === 0,
  });
  const samples = { gradientSquares: 0, curvature: 0 };
  let before: readonly Scalars[] | undefined;
  for (let step = 1; step <= steps; step++) {
    const fresh = (evidence ?? due)(step);
    samples.gradientSquares += Number(fresh.gradientSquares);
    samples.curvature += Number(fresh.curvature);
    const { batchSize = 1, microBatches = 1 } = batch?.(step) ?? {};
    before = chain.scalars(
      {
        step,
        iteration: step,
        parameter,
        samples: { ...samples },
        fresh,
        batchSize,
        microBatches,
      },
      before,
    );
    places.forEach(([stage, key], k) => {
      // A scalar that only other kinds of step have is not read in this one.
      table[(step - 1) * width + k] = before![stage]?.[key] ?? NaN;
    });
  }
  return table;
}

/**
 * The interfaces of the pieces: estimators estimate a diagonal factor from evidence, transforms
 * rewrite the update, a chain is an optimizer.
 *
 * @module
 */
import type { Specified } from "./specification.ts";
import type { ArrayShape, Cond, Expr, Scope } from "../kernel/expr.ts";

/**
 * What a host may be asked to measure.
 *
 * - `gradient`: the mean gradient over the batch.
 * - `gradientSquares`: the mean over k ≥ 2 micro-batches of equal size of the squared micro-batch
 *   mean gradient, with k.
 * - `curvature`: one sample of a diagonal curvature estimate, see {@linkcode CurvatureSource}.
 */
export type Evidence = "gradient" | "gradientSquares" | "curvature";

/** Where curvature samples come from; the host that trains knows how to take each kind. */
export interface CurvatureSource {
  readonly kind: "hutchinson" | "gaussNewton" | "fisher" | "empiricalFisher" | "user";
  /** A sample is due on step 1 and then on every `every`-th step. */
  readonly every: number;
  /** So many samples are due on the first steps, one a step; default 1. */
  readonly first?: number;
  /** For empiricalFisher: what the sample is made from, inside the kernel. */
  readonly from?: "gradient" | "gradientSquares";
}

/**
 * How `mergeStates()` makes one slot of those of several optimizers, with weights p that add up to 1:
 *
 * - `"mean"`: Σ p x, for averages of samples, of their squares, and for whatever is linear in them.
 * - `"sum"`: Σ x, for counts; what all had from the state that they started from counts once.
 * - `"maximum"`: max x.
 * - `"spread"`: 1 − Σ p²(1 − x), for 1 − ρ, where ρ is the sum of the squared weights of an average.
 * - `{ meanWhere: key }`: the mean over the states whose scalar of that name is not 0.
 * - `{ deviationFrom: slot }`: Σ p (x + (m − m̄)²), for the variance about an average m, m̄ the merged
 *   one (Chan, Golub & LeVeque, 1979).
 * - `"derived"`: from the merged slots, by {@linkcode Piece.derive}.
 */
export type SlotMerge =
  | "mean"
  | "sum"
  | "maximum"
  | "spread"
  | "derived"
  | { readonly meanWhere: string }
  | { readonly deviationFrom: string };

/** A piece's numbers in a state that is merged. */
export interface MergedScalars {
  /** p: of all states together 1. */
  readonly weight: number;
  /** Updates of the parameter. */
  readonly step: number;
  readonly scalars: Scalars;
}

/** An array kept for each parameter between steps. */
export interface SlotSpec {
  /** One value an element (default), a row or for the whole tensor. */
  readonly shape?: ArrayShape;
  /** Initial value, default 0. */
  readonly fill?: number;
  /**
   * True for an average of what flows in (a first moment): it turns with the basis that the piece
   * works in. Second moments stay. Default false.
   */
  readonly turns?: boolean;
  /** How states are merged; default "mean" for what turns, else `mergeStates()` refuses. */
  readonly merge?: SlotMerge;
}

/** A parameter: what pieces may know of it besides its values. */
export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * Rows of data that a step multiplies the parameter with, batch size times positions, where the
   * host knows. If it does not, it is taken to be the batch size, for convolutions times 64.
   */
  readonly rowsPerStep?: number | undefined;
}

/** What the host knows when it computes a step's scalars for one parameter. */
export interface StepInfo {
  /** Updates of this parameter, this one included: 1, 2, … */
  readonly step: number;
  /** Updates of the optimizer, this one included: 1, 2, … */
  readonly iteration: number;
  readonly parameter: ParameterInfo;
  /** Samples of each kind that this parameter has seen, this step's included. */
  readonly samples: Readonly<Record<"gradientSquares" | "curvature", number>>;
  /** Whether this step brings such a sample. */
  readonly fresh: Readonly<Record<"gradientSquares" | "curvature", boolean>>;
  /** Examples in this step's batch; 1 when the host does not say. */
  readonly batchSize: number;
  /** k of `gradientSquares`. */
  readonly microBatches: number;
  /** Set when the user overrides the chain's learning rate. */
  readonly learningRate?: number;
}

/** Float64 numbers computed by the host once a step; the last ones are handed back and saved. */
export type Scalars = Readonly<Record<string, number>>;

/** What estimators and transforms share. */
export interface Piece extends Specified {
  readonly name: string;
  readonly needs: readonly Evidence[];
  readonly slots: Readonly<Record<string, SlotSpec>>;
  /** Pure; `previous` is what it returned on this parameter's last applied step. */
  scalars(step: StepInfo, previous: Scalars | undefined): Scalars;
  /**
   * Merges numbers that depend on more than the step, for `mergeStates()`: returns those alone, others
   * become weighted means. `base` is the state that all started from, if they did not start afresh.
   */
  mergeScalars?(states: readonly MergedScalars[], base: MergedScalars | undefined): Scalars;
  /** Slots that follow from the others and the scalars of the last step, by name. */
  derive?(inputs: Pick<RuleInputs, "slot" | "scalar" | "sum">): Readonly<Record<string, Expr>>;
  /** True if `scalars` looks at `step.parameter`. */
  readonly perParameter?: boolean;
  readonly curvature?: CurvatureSource;
  /** True if it uses `gradientSquares` only as measured, so that it may stand anywhere. */
  readonly rawSquares?: boolean;
  /**
   * What its slots, or those of later stages, hold, where an option changes that ("sum"): a state
   * goes only to a chain of the same meaning.
   */
  readonly meaning?: string;
  /**
   * The learning rate by which it multiplies, after so many updates; `optimizer.learningRate` reads
   * and overrides it.
   */
  readonly learningRate?: (updates: number) => number;
}

/** The arrays and numbers that a rule may use. */
export interface RuleInputs {
  /** What flows into this piece; at the first one, the gradient. */
  readonly x: Expr;
  /** The raw mean gradient. */
  readonly gradient: Expr;
  readonly weights: Expr;
  /** Present on steps that bring it, scaled like `x`. */
  readonly gradientSquares?: Expr;
  /** Present on steps that bring it, unscaled. */
  readonly rawGradientSquares?: Expr;
  /** Present on steps that bring it. */
  readonly curvature?: Expr;
  /** This piece's slots before the step. */
  slot(name: string): Expr;
  /** A number from this piece's `scalars`. */
  scalar(name: string): Expr;
  /** Σ over the row, the tensor, or all tensors of the step. */
  sum(a: Expr, scope: Scope): Expr;
}

/** What an estimator returns. */
export interface Estimate {
  /** The diagonal factor. */
  readonly factor: Expr;
  /** New values of its slots; one that is left out keeps its value. */
  readonly slots: Readonly<Record<string, Expr>>;
  /** Bound on |factor · x|. */
  readonly limit?: number;
}

/** What a stage knows about the noise in what it sees, element by element. */
export interface Inspection {
  /** The signal fraction T that the next step would start from. */
  readonly fraction: Expr;
  /** Unbiased estimate of the squared mean of what flows in. */
  readonly signal: Expr;
  /** Unbiased estimate of the variance of one sample (one batch's mean gradient). */
  readonly noise: Expr;
}

/**
 * Estimates a diagonal factor from evidence; {@linkcode scaleBy} makes a transform of it.
 *
 * A new estimator is one object: every lowering and adapter is derived from its expressions.
 */
export interface PreconditionerEstimator extends Piece {
  /** False if its limit makes the scaled input more than a scaling, default true. */
  readonly scales?: boolean;
  estimate(inputs: RuleInputs): Estimate;
  /** From its slots and the scalars of the last step alone; for telemetry. */
  inspect?(inputs: Pick<RuleInputs, "slot" | "scalar" | "sum">): Inspection;
}

/** What bounds do to a step; for telemetry. */
export interface Clipping {
  /** True for an element that a bound on elements changes. */
  readonly elements?: Cond;
  /** True if a bound on a norm scales the step; must not vary within a tensor. */
  readonly norm?: Cond;
}

/** What a transform returns. */
export interface Rewrite {
  readonly update: Expr;
  readonly slots: Readonly<Record<string, Expr>>;
  /** `gradientSquares` as it leaves; left out if the transform is not a scaling of its input. */
  readonly gradientSquares?: Expr;
  /** When true for a tensor, this whole step leaves its weights, slots and scalars alone. */
  readonly hold?: Cond;
  /** Values of slots on a held step (counters of held steps). */
  readonly heldSlots?: Readonly<Record<string, Expr>>;
  /** What its bounds change, if it has any. */
  readonly clipped?: Clipping;
}

/** Rewrites the update; several in order are a {@linkcode Chain}. */
export interface Transform extends Piece {
  apply(inputs: RuleInputs): Rewrite;
  /** As in {@linkcode PreconditionerEstimator.inspect}. */
  inspect?(inputs: Pick<RuleInputs, "slot" | "scalar" | "sum">): Inspection;
  /** True if `gradientSquares` can flow through. */
  readonly scales?: boolean;
  /** Of `scaleBy()`: what it scales. Names of its slots and scalars begin with "to.". */
  readonly to?: Transform;
}

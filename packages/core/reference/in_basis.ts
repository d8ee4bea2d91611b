import { EigenvalueDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import { mapLast } from "./_history.ts";
import type { ReferenceStage, Snapshot } from "./types.ts";

/** Options of {@linkcode inBasisStage}; the names are those of the core's kronecker(). */
export interface KroneckerOptions {
  decay?: number;
  every?: number;
  /** Steps from the reading of an average to the use of its eigenvectors; 0 where reads are at once. */
  delay?: number;
  /** Where tensors of more than two axes have their output channels; default "last". */
  outputAxis?: "first" | "last";
}

/** What is known at one step: the basis in force, and what each inner stage saw and made. */
interface Known {
  readonly left: Matrix;
  readonly right: Matrix;
  /** x = Q_Lᵀ g Q_R, and after it the output of each stage. */
  readonly flow: readonly Float64Array[];
}

/** Rows and columns: of more than two axes the output's stands against the others. */
function matrixShape(
  shape: readonly number[],
  outputAxis: "first" | "last",
): [rows: number, columns: number] | undefined {
  const axes = shape.filter((n) => n !== 1);
  if (axes.length < 2) return undefined;
  const size = axes.reduce((a, b) => a * b, 1);
  return outputAxis === "first" ? [axes[0]!, size / axes[0]!] : [size / axes.at(-1)!, axes.at(-1)!];
}

function eigenvectors(gram: Matrix): Matrix {
  const { realEigenvalues: values, eigenvectorMatrix } = new EigenvalueDecomposition(gram, {
    assumeSymmetric: true,
  });
  const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
  return eigenvectorMatrix.subMatrixColumn(order);
}

/**
 * Stages in the Kronecker eigenbasis, both sides rotated: `Q_L t(Q_Lᵀ g Q_R) Q_Rᵀ`, from the whole
 * history.
 *
 * The averages are `L = Σ ŵ g gᵀ`, `R = Σ ŵ gᵀ g` with the weights of a debiased EMA. After steps
 * every, 2·every, … the eigenvectors are renewed: twice by a full decomposition, then as the
 * orthonormal factor of A·Q. Second moments are over the inputs as they were rotated at their time;
 * first moments (`turned`) over the same inputs in the basis of the last step. Vectors keep the
 * identity. Throws what ml-matrix throws for averages that are not finite.
 *
 * Vyas et al., "SOAP" (2024), arXiv 2409.11321, algorithm 3.
 *
 * @example
 * ```ts
 * import { inBasisStage, learningRateStage } from "@precond/core/reference";
 * const x = Float64Array.of(1, 2, 3, 4);
 * const history = [{ w: { shape: [2, 2], input: x, gradient: x, weights: x } }];
 * const { update } = inBasisStage({}, learningRateStage(2))(history)["w"]!;
 * if (Math.abs(update[3]! - 8) > 1e-12) throw new Error();
 * ```
 */
export function inBasisStage(
  options: KroneckerOptions,
  ...stages: readonly ReferenceStage[]
): ReferenceStage {
  const { decay = .95, every = 10, delay = 0, outputAxis = "last" } = options;
  /** By the input array of a step: what follows from it and all before it. */
  const memory = new WeakMap<Float64Array, Known>();

  const basisAt = (samples: readonly Snapshot[], rows: number, columns: number) => {
    // Eigenvectors read after step k·every are in force from step k·every + delay + 1 on.
    const count = Math.max(0, Math.floor((samples.length - 1 - delay) / every));
    if (count === 0) return { left: Matrix.eye(rows), right: Matrix.eye(columns) };
    const seen = samples.slice(0, count * every);
    let [total, left, right] = [0, Matrix.zeros(rows, rows), Matrix.zeros(columns, columns)];
    for (const { input } of seen) {
      const g = Matrix.from1DArray(rows, columns, [...input]);
      total = decay * total + 1;
      left = left.mul(decay).add(g.mmul(g.transpose()));
      right = right.mul(decay).add(g.transpose().mmul(g));
    }
    if (count <= 2) return { left: eigenvectors(left), right: eigenvectors(right) };
    // The eigenvectors of count − 1 came in force `every` steps ago.
    const before = memory.get(samples[samples.length - 1 - every]!.input)!;
    const follow = (gram: Matrix, q: Matrix) =>
      new QrDecomposition(gram.div(total).mmul(q)).orthogonalMatrix;
    return { left: follow(left, before.left), right: follow(right, before.right) };
  };

  const rotate = (x: Float64Array, { left, right }: Pick<Known, "left" | "right">) =>
    Float64Array.from(
      left.transpose().mmul(Matrix.from1DArray(left.rows, right.rows, [...x])).mmul(right)
        .to1DArray(),
    );
  const rotateBack = (x: Float64Array, { left, right }: Pick<Known, "left" | "right">) =>
    Float64Array.from(
      left.mmul(Matrix.from1DArray(left.rows, right.rows, [...x])).mmul(right.transpose())
        .to1DArray(),
    );

  const knownAt = (samples: readonly Snapshot[], rows: number, columns: number): Known => {
    const last = samples.at(-1)!;
    const found = memory.get(last.input);
    if (found) return found;
    const past = samples.slice(0, -1).map((_, i) =>
      knownAt(samples.slice(0, i + 1), rows, columns)
    );
    const basis = basisAt(samples, rows, columns);
    const flow: Float64Array[] = [rotate(last.input, basis)];
    stages.forEach((stage, k) => {
      const history = [...past, { ...basis, flow }].map((at, i) => ({
        x: {
          ...samples[i]!,
          input: at.flow[k]!,
          turned: rotate(rotateBack(at.flow[k]!, at), basis),
        },
      }));
      flow.push(stage(history)["x"]!.update);
    });
    const known = { ...basis, flow };
    memory.set(last.input, known);
    return known;
  };

  const plain = (samples: readonly Snapshot[]): Float64Array => {
    const last = samples.at(-1)!;
    const found = memory.get(last.input);
    if (found) return found.flow.at(-1)!;
    const past = samples.slice(0, -1).map((_, i) => {
      plain(samples.slice(0, i + 1));
      return memory.get(samples[i]!.input)!.flow;
    });
    const flow: Float64Array[] = [last.input];
    stages.forEach((stage, k) => {
      const history = [...past, flow].map((at, i) => ({ x: { ...samples[i]!, input: at[k]! } }));
      flow.push(stage(history)["x"]!.update);
    });
    const none = Matrix.eye(1);
    memory.set(last.input, { left: none, right: none, flow });
    return flow.at(-1)!;
  };

  return (history) =>
    mapLast(history, (_, samples, { shape }) => {
      const matrix = matrixShape(shape, outputAxis);
      if (!matrix) return { update: plain(samples) };
      const known = knownAt(samples, ...matrix);
      return { update: rotateBack(known.flow.at(-1)!, known) };
    });
}

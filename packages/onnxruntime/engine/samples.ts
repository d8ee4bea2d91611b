/**
 * Samples of the curvature's diagonal: which graph computes one, or what computes it beside the graphs.
 *
 * @module
 */
import { checkOptions, finiteDifferences } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import type { Wanted } from "../graphs/graphs.ts";
import type { Tensor } from "../hosts/ort.ts";
import type { StepOptions, TrainerOptions } from "./options.ts";
import type { LazyArray, Parameter } from "./parameters.ts";
import type { Uniform } from "./random.ts";
import { discard, type Runner } from "./run.ts";
import type { Setup } from "./set_up.ts";

/** A step that is to bring a sample. */
export interface Sampling<A> {
  /** Before the run. */
  prepare(): void;
  /** After it, with the same batch. */
  finish(given: Readonly<Record<string, Tensor>>, into: (p: Parameter<A>) => A): Promise<void>;
}

/** Makes samples. */
export interface Sampler<A> {
  /** Whether the definition wants samples that do not come from the gradient's squares. */
  readonly samples: boolean;
  /** What the training graph of a step with a sample computes. */
  readonly graphCurvature: Wanted["curvature"];
  /** @throws {TypeError} For the caller's own sample that is missing or does not fit. */
  next(options: StepOptions): Sampling<A>;
  dispose(): void;
}

/** A sampler for a definition's source of curvature. */
export function createSampler<A>(
  setup: Setup<A>,
  { hutchinson = "exact", differenceStep = 1e-3 }: TrainerOptions,
  runner: Runner<A>,
  random: Uniform,
  arrayOf: (p: Parameter<A>, array: LazyArray) => A,
): Sampler<A> {
  const { host, definition, parameters } = setup;
  const source = definition.needs.includes("curvature") ? definition.curvature?.kind : undefined;
  const differences = hutchinson === "finiteDifferences" && source === "hutchinson"
    ? finiteDifferences(host.backend, differenceStep)
    : undefined;

  /** Curvature from two gradients. */
  const subtract: Sampling<A>["finish"] = async (given, into) => {
    runner.drawSigns();
    const plain = await setup.graphs.training({ squares: false, curvature: undefined });
    // Both gradients with the same mask: of two masks the difference would be noise over ε.
    const drops = plain.inputs.some((i) => i.name === "dropout_seed");
    const beside = drops ? random.integer(65536) : 0;
    const arrays = parameters.map((p) => ({
      shape: p.dims,
      weights: p.weights,
      vector: arrayOf(p, "vector"),
      shifted: arrayOf(p, "shifted"),
      gradient: p.gradient,
      saved: arrayOf(p, "saved"),
      curvature: into(p),
    }));
    await differences!.sample(arrays, async () => {
      const targets = { weights: (p: Parameter<A>) => p.shifted!, curvature: into, beside };
      discard((await runner.train(plain, given, targets)).loss);
    });
  };

  const samples = source !== undefined && source !== "empiricalFisher";
  const beside = source === "user" || differences !== undefined;
  return {
    samples,
    graphCurvature: samples && !beside
      ? source as "hutchinson" | "gaussNewton" | "fisher"
      : undefined,
    next(options) {
      const given = source === "user" ? userSamples(parameters, options) : undefined;
      return {
        prepare() {
          if (source === "hutchinson" && differences === undefined) runner.drawSigns();
        },
        async finish(feeds, into) {
          if (differences !== undefined) await subtract(feeds, into);
          given?.forEach((sample, k) => host.write(into(parameters[k]!), sample));
        },
      };
    },
    dispose: () => differences?.dispose(),
  };
}

/** The caller's samples, in the order of the parameters. */
function userSamples<A>(
  parameters: readonly Parameter<A>[],
  { curvature }: StepOptions,
): Float32Array[] {
  const names = Object.fromEntries(parameters.map(({ name }) => [name, kinds.float32Array]));
  const given = checkOptions("step with the curvature given", curvature, names);
  return parameters.map(({ name, size }) => {
    const sample = given[name];
    if (sample?.length === size) return sample;
    throw new TypeError(
      `Cannot step: a curvature sample of "${name}" is due: expected ${size} elements, ` +
        `given are ${sample?.length ?? "none"}`,
    );
  });
}

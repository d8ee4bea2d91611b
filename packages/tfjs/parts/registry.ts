/**
 * The code that an optimizer may do without. The root of the package brings all of it; apps that import
 * the entry of one backend bring what they use.
 *
 * @module
 */
import type {
  createWatcher,
  Kernel,
  loadState,
  ProductCall,
  Program,
  saveState,
} from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { createGatherer } from "../evidence/gatherer.ts";
import type { checkClosures, microBatchEvidence } from "../evidence/micro_batches.ts";
import type { applyReplicas } from "../evidence/replica_tensors.ts";
import type { readNumbers } from "../evidence/read_numbers.ts";
import type { createSampler } from "../evidence/sampler.ts";
import type { createWatchers } from "../evidence/watchers.ts";
import type { configOf, readConfig } from "../optimizer/config.ts";
import type { createClaims } from "../state/claims.ts";
import type { lendTensors } from "../state/lent_tensors.ts";
import type { fromTensors, toTensors } from "../state/named_tensors.ts";

/** What runs updates on a backend. */
export interface BackendPart {
  /** A fused kernel; undefined where the build or the device does not allow it. */
  kernel(program: Program): Kernel<tf.Tensor> | undefined;
  /** Products into the tensors given for them; false where that cannot be. */
  multiply?(calls: readonly ProductCall<tf.Tensor>[]): boolean;
  /**
   * Looks after the device before tfjs fails on it, which says nothing of the cause.
   *
   * @throws {Error} If it was lost.
   */
  check?(): void;
}

/** What else there is, by the entry that brings it. */
export interface Parts {
  readonly accumulation: {
    readonly checkClosures: typeof checkClosures;
    readonly createGatherer: typeof createGatherer;
    readonly microBatchEvidence: typeof microBatchEvidence;
    readonly applyReplicas: typeof applyReplicas;
  };
  readonly ops: {
    /** @param refused The backend, where its build or device does not allow fused kernels. */
    kernel(program: Program, refused: string | undefined): Kernel<tf.Tensor>;
    multiply(calls: readonly ProductCall<tf.Tensor>[]): readonly tf.Tensor[];
  };
  readonly sampling: { readonly createSampler: typeof createSampler };
  readonly saving: {
    readonly configOf: typeof configOf;
    readonly createClaims: typeof createClaims;
    readonly fromTensors: typeof fromTensors;
    readonly lendTensors: typeof lendTensors;
    readonly loadState: typeof loadState;
    readonly readConfig: typeof readConfig;
    readonly saveState: typeof saveState;
    readonly toTensors: typeof toTensors;
  };
  readonly telemetry: {
    readonly createWatcher: typeof createWatcher;
    readonly createWatchers: typeof createWatchers;
    readonly readNumbers: typeof readNumbers;
  };
}

const parts: { -readonly [K in keyof Parts]?: Parts[K] } = {};
const backends = new Map<string, BackendPart>();

/** Brings a part. */
export function provide<K extends keyof Parts>(name: K, part: Parts[K]): void {
  parts[name] = part;
}

/** Brings what runs updates on the backend of that name. */
export function provideBackend(name: string, part: BackendPart): void {
  backends.set(name, part);
}

/**
 * A part that is needed.
 *
 * @throws {TypeError} If it was not brought.
 */
export function partFor<K extends keyof Parts>(name: K, action: string): Parts[K] {
  const found = parts[name];
  if (found !== undefined) return found;
  throw new TypeError(
    `Cannot ${action}: the app has the code for one backend alone; add import "@precond/tfjs/${name}"`,
  );
}

/** What runs updates on the active backend; undefined where plain ops do. */
export function activeBackend(): BackendPart | undefined {
  return backends.get(tf.getBackend());
}

/**
 * What compiles for the active backend.
 *
 * @throws {TypeError} If nothing was brought that runs on it.
 */
export function kernelFor(program: Program): Kernel<tf.Tensor> {
  const name = tf.getBackend();
  const part = backends.get(name);
  const kernel = part?.kernel(program);
  if (kernel) return kernel;
  if (parts.ops) return parts.ops.kernel(program, part && name);
  const [why, add] = part
    ? ["this build or device does not allow fused kernels on it", "ops"]
    : [`the app has the code for ${[...backends.keys()]}`, name];
  throw new TypeError(`Cannot update on ${name}: ${why}; add import "@precond/tfjs/${add}"`);
}

/**
 * What is compared.
 *
 * @module
 */
import type { Definition, Schedule } from "@precond/core";
import type { OracleMethod } from "@precond/core/reference";

/** The purpose a method serves: neither, one of the two, or both. */
export type Mode = "none" | "curvature" | "snr" | "combined";

/** Where a method is used: exact curvature at hand, or a network that has to sample it. */
export type Setting = "theory" | "network";

/** How the learning rate is given: a number, or a schedule. */
export type Rate = number | Schedule;

/** An optimizer that the host has itself. */
export type HostOptimizer = "sgd" | "momentum" | "adam" | "rmsprop";

/**
 * What a method takes part for. `host`: what one has without this library. `ours`: what one would use
 * of it. `pieces`: one factor of the theory at a time. `ablation`: combined() without one of its
 * pieces. `published`: others' optimizers. `oracle`: told what no training run can know.
 */
export type Family = "host" | "ours" | "pieces" | "ablation" | "published" | "oracle";

/** Something to compare. */
export interface Method {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly family: Family;
  readonly mode: Mode;
  readonly about: string;
  /** The middle of the learning-rate grid. */
  readonly centre: Readonly<Record<Setting, number>>;
  readonly settings: readonly Setting[];
  /** Its preconditioner is known exactly, so that theory predicts its risk. */
  readonly predictedAs?: OracleMethod;
  /** It is told what no training run can know. */
  readonly oracle?: boolean;
  /** The host's own optimizer takes the place of `definition` on networks. */
  readonly host?: HostOptimizer;
  /** Runs without options, at the rate that `centre` says is its default: nothing is tuned. */
  readonly shipped?: boolean;
  /** Left out of the quick suite unless asked for by name. */
  readonly fullOnly?: boolean;
  /** It runs in the eigenbasis of the curvature, which the problem has to provide. */
  readonly eigenbasis?: boolean;
  definition(learningRate: Rate, setting: Setting): Definition;
}

export const both: readonly Setting[] = ["theory", "network"];
export const theory: readonly Setting[] = ["theory"];
export const network: readonly Setting[] = ["network"];

/** A method of networks alone: theory problems do not ask for its rate. */
export const onNetworks = (centre: number): Pick<Method, "centre" | "settings"> => ({
  centre: { theory: centre, network: centre },
  settings: network,
});

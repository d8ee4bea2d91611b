/** The optimizers to choose from, as they are. */
import { adam, type Chain, combined, curvatureOnly, signalSgd, snrOnly } from "@precond/tfjs";
import { watched, watchSignal } from "./watched.ts";

/** An optimizer and how it is shown. */
export interface Method {
  readonly label: string;
  readonly rule: string;
  /** The rate to start from, after a warm-up if it has one. */
  readonly rate: number;
  /** The optimizer, with a piece in front of it that sees the raw gradient. */
  make(rate: number): Chain;
}

type Alias = (options: { learningRate?: number }) => Chain;

/** An optimizer without options, but for another rate that is asked for. */
function method(label: string, rule: string, alias: Alias, rate?: number): Method {
  return {
    label,
    rule,
    // Its own: what it has reached long after any warm-up.
    rate: rate ?? alias({}).learningRate!(1e6),
    make: (learningRate) => watched(alias({ learningRate }), watchSignal()),
  };
}

export const methods: Readonly<Record<string, Method>> = {
  // Adam has the best of 0.001 (its default), 0.003, 0.01, 0.03 and 0.1, without wrong labels.
  adam: method("Adam", "w −= η m / √v", adam, 0.03),
  snrOnly: method("snrOnly()", "w −= η √T g / √v", snrOnly),
  curvatureOnly: method("curvatureOnly()", "w −= η B Bᵀg / √v", curvatureOnly),
  combined: method("combined()", "w −= η B √T Bᵀg / √v", combined),
  signalSgd: method("signalSgd()", "w −= η T g", signalSgd),
};

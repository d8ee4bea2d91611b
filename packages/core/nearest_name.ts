/**
 * "Did you mean …?"
 *
 * @module
 */

/** Names of options here, and what TensorFlow.js, PyTorch, Keras and optax call them. */
const elsewhere: Readonly<Record<string, string>> = {
  learningRate: "lr eta rate stepsize",
  "beta1 decay": "betas",
  beta1: "b1",
  beta2: "b2",
  "decay momentum beta1": "beta",
  "decay beta2": "rho",
  "factor decay": "gamma decayrate",
  "learningRate decay": "alpha",
  "momentum decay": "mu",
  "decay beta1": "momentum",
  "epsilon damping": "eps",
  weightDecay: "wd l2",
  "weightDecay damping": "lambda",
  match: "mask",
  curvature: "hessian",
  maximum: "maxnorm",
  steps: "tmax totalsteps decaysteps",
  from: "initvalue initiallearningrate",
  to: "endvalue etamin",
  "minimum to": "minlr",
  nesterov: "usenesterov",
};

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The least number of letters to insert, delete, replace or swap with the next one. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

/**
 * The known name that was probably meant: the same but for case and `_`, what other libraries call
 * so, one that contains the other, or one that differs in at most a third of its letters.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const given = plain(name);
  const same = known.find((k) => plain(k) === given);
  if (same !== undefined) return same;
  const called = Object.keys(elsewhere)
    .find((here) => elsewhere[here]!.split(" ").includes(given))
    ?.split(" ").find((k) => known.includes(k));
  if (called !== undefined) return called;
  const scored = known
    .map((k) => ({ k, d: distance(given, plain(k)), length: Math.max(given.length, k.length) }))
    .sort((a, b) => a.d - b.d);
  const best = scored[0];
  if (best && best.d <= Math.max(1, Math.floor(best.length / 3))) return best.k;
  if (given.length < 3) return undefined;
  return known.find((k) => plain(k).includes(given) || given.includes(plain(k)));
}

/**
 * "Did you mean …?"
 *
 * @module
 */

/** Names of TensorFlow.js, PyTorch, Keras and optax, and what they are called here. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  lr: ["learningRate"],
  eta: ["learningRate"],
  rate: ["learningRate"],
  stepsize: ["learningRate"],
  betas: ["beta1", "decay"],
  b1: ["beta1"],
  b2: ["beta2"],
  beta: ["decay", "momentum", "beta1"],
  rho: ["decay", "beta2"],
  gamma: ["factor", "decay"],
  alpha: ["learningRate", "decay"],
  mu: ["momentum", "decay"],
  momentum: ["decay", "beta1"],
  eps: ["epsilon", "damping"],
  wd: ["weightDecay"],
  l2: ["weightDecay"],
  lambda: ["weightDecay", "damping"],
  mask: ["match"],
  hessian: ["curvature"],
  maxnorm: ["maximum"],
  tmax: ["steps"],
  totalsteps: ["steps"],
  decaysteps: ["steps"],
  initvalue: ["from"],
  initiallearningrate: ["from"],
  endvalue: ["to"],
  etamin: ["to"],
  minlr: ["minimum", "to"],
  decayrate: ["factor", "decay"],
  usenesterov: ["nesterov"],
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
  const foreign = Object.hasOwn(elsewhere, given) ? elsewhere[given]! : [];
  const called = foreign.find((k) => known.includes(k));
  if (called !== undefined) return called;
  const scored = known
    .map((k) => ({ k, d: distance(given, plain(k)), length: Math.max(given.length, k.length) }))
    .sort((a, b) => a.d - b.d);
  const best = scored[0];
  if (best && best.d <= Math.max(1, Math.floor(best.length / 3))) return best.k;
  if (given.length < 3) return undefined;
  return known.find((k) => plain(k).includes(given) || given.includes(plain(k)));
}

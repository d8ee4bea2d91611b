/**
 * What a prediction says of its label: the loss of one example, and labels drawn from the model itself.
 *
 * @module
 */
import { type Array, lax, nn, numpy as np, random } from "@jax-js/jax";

/**
 * How labels are distributed given the predictions z of one example:
 *
 * - "categorical": softmax over the last axis; `−log softmax(z)[y]`, y a class as int32, or one-hot float32
 * - "bernoulli": a sigmoid each; `Σ log(1 + eᶻ) − y z`, y 0 or 1
 * - "gaussian": of variance 1; `½ Σ (y − z)²`
 */
export type Likelihood = "categorical" | "bernoulli" | "gaussian";

/** `log(1 + eᶻ)`. That of jax-js is infinite beyond z = 88, with a derivative of NaN. */
function softplus(z: Array): Array {
  const top = lax.stopGradient(np.maximum(z.ref, 0));
  return np.log(np.exp(z.sub(top.ref)).add(np.exp(np.negative(top.ref)))).add(top);
}

/** As float32: integers times fractions would be cut off. */
const float = (y: Array) => y.dtype === np.float32 ? y : y.astype(np.float32);

/** Refuses labels that would be stretched to the predictions, or the other way round. */
function checkLabels(likelihood: Likelihood, z: Array, y: Array): void {
  const [given, outputs] = [y, z].map(({ shape }) => shape.join()) as [string, string];
  const classes = likelihood === "categorical" && y.ndim < z.ndim;
  const fits = classes
    ? given === z.shape.slice(0, -1).join()
    : given === outputs || likelihood !== "categorical" && y.size === 1 && z.size === 1;
  if (fits) return;
  throw new TypeError(
    `Cannot gather evidence: f gives predictions of shape [${outputs}] for one example, ` +
      `and its label has shape [${given}], which does not fit "${likelihood}"`,
  );
}

/**
 * The negative log-likelihood of one example's label. Consumes both.
 *
 * @throws {TypeError} If the label's shape does not fit the predictions'.
 */
export function lossOf(likelihood: Likelihood, z: Array, y: Array): Array {
  checkLabels(likelihood, z, y);
  switch (likelihood) {
    case "categorical": {
      const classes = z.shape.at(-1)!;
      const oneHot = y.ndim === z.ndim ? float(y) : nn.oneHot(y.astype(np.int32), classes);
      return nn.logsumexp(z.ref, -1).sum().sub(z.mul(oneHot).sum());
    }
    case "bernoulli":
      return softplus(z.ref).sub(float(y).mul(z)).sum();
    case "gaussian":
      return np.square(z.sub(float(y))).sum().mul(0.5);
  }
}

/**
 * The derivative of the loss by the predictions, for labels drawn from the model: expectation 0, and its
 * variance is the Hessian by the predictions. Consumes both.
 */
export function drawnDerivative(likelihood: Likelihood, z: Array, key: Array): Array {
  switch (likelihood) {
    case "categorical": {
      const gumbel = np.negative(np.log(np.negative(np.log(random.uniform(key, z.shape)))));
      const perturbed = z.ref.add(gumbel);
      // Not argmax, which with a NaN is past the end.
      const drawn = np.equal(perturbed.ref, np.max(perturbed.ref, -1, { keepdims: true }));
      perturbed.dispose();
      return nn.softmax(z, -1).sub(drawn.astype(np.float32));
    }
    case "bernoulli": {
      const p = nn.sigmoid(z);
      const drawn = np.less(random.uniform(key, p.shape), p.ref);
      return p.sub(drawn.astype(np.float32));
    }
    case "gaussian": {
      const { shape } = z;
      z.dispose();
      return random.normal(key, shape);
    }
  }
}

/**
 * Logistic regression in jax-js: 200 examples, 300 features of which 5 matter, 10 % of the labels
 * flipped. A signal fraction that is measured on the gradients of single examples, by `vmap(grad)`, fits
 * less of the noise than Adam. Half way the state is saved and loaded.
 *
 * Run: deno run -A examples/jax-js/main.ts
 */
import { init, numpy as np, tree } from "@jax-js/jax";
import {
  adam,
  applyUpdates,
  type Definition,
  precond,
  signalSgd,
  valueAndEvidence,
} from "@precond/jax-js";

await init("wasm");

const features = 300, batch = 20;
type Params = { w: np.Array; b: np.Array };

/** A small reproducible source of numbers (an LCG's high bits are good enough here). */
let state = 1;
const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

function makeSet(size: number, flipped: number) {
  const x = Float32Array.from({ length: size * features }, normal);
  const y = Float32Array.from({ length: size }, (_, i) => {
    const [a, b, c, d, e] = x.subarray(i * features);
    const label = a! + b! - c! + d! - e! > 0 ? 1 : 0;
    return uniform() < flipped ? 1 - label : label;
  });
  return { x, y };
}
const train = makeSet(200, 0.1), test = makeSet(2000, 0);

/** The logit of one example: jax-js maps it over the batch. */
const logit = ({ w, b }: Params, x: np.Array) => np.dot(x, w).add(b);

const methods: Record<string, Definition> = {
  "Adam": adam({ learningRate: 0.01 }),
  "SNR-only": signalSgd({ learningRate: 0.1, from: "gradientSquares" }),
};
for (const [name, definition] of Object.entries(methods)) {
  const solver = precond(definition);
  const measure = valueAndEvidence(logit, solver, { likelihood: "bernoulli" });
  let params: Params = { w: np.zeros([features]), b: np.zeros([]) };
  let optimizer = solver.init(tree.ref(params));

  for (let step = 0; step < 400; step++) {
    const start = step * batch % train.y.length;
    const x = np.array(train.x.slice(start * features, (start + batch) * features), {
      shape: [batch, features],
    });
    const y = np.array(train.y.slice(start, start + batch));
    const [value, gradients, evidence] = measure(tree.ref(params), optimizer, x, y);
    value.dispose();
    const [updates, next] = solver.update(gradients, optimizer, tree.ref(params), evidence);
    params = applyUpdates(params, updates);
    optimizer = next;
    if (step === 200) {
      const saved = await optimizer.save(); // a safetensors file
      optimizer.dispose();
      optimizer = solver.load(saved, tree.ref(params));
    }
  }

  const plain = precond(adam());
  const begin = plain.init(tree.ref(params));
  const [loss, gradients] = valueAndEvidence(logit, plain, { likelihood: "bernoulli" })(
    params,
    begin,
    np.array(test.x, { shape: [test.y.length, features] }),
    np.array(test.y),
  );
  console.log(
    `${name}: test loss ${loss.js().toFixed(3)} after ${optimizer.iteration} steps`,
  );
  tree.dispose(gradients);
  begin.dispose();
  optimizer.dispose();
}

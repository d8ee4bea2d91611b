/**
 * Federated averaging over worker threads: four clients with unequal shares of the examples train a few
 * steps a round, the main thread averages their weights by numbers of examples and merges the states of
 * their optimizers. Beside it the same with optimizers that start afresh in every round.
 *
 * Run: deno run -A examples/federated/main.ts [rounds]
 */
import { mergeStates } from "@precond/core";
import { definition } from "./definition.ts";
import { fromList, toList } from "./client.ts";
import { classes, features, lossOf, makeExamples } from "./problem.ts";
import { type RemoteClient, startClient } from "./threads.ts";

const rounds = Number(process.argv[2] ?? 12);
const counts = [400, 200, 100, 60];
const test = makeExamples(2000, 1);

/** Runs all rounds and gives the loss on the test set after each. */
async function train(clients: readonly RemoteClient[], merges: boolean): Promise<number[]> {
  let parameters = toList({
    kernel: new Float32Array(features * classes),
    bias: new Float32Array(classes),
  });
  let state: Uint8Array | undefined;
  const losses: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const config = { steps: 4, batchSize: 10, ...(state ? { state } : {}) };
    const results = await Promise.all(clients.map((client) => client.fit(parameters, config)));
    const total = results.reduce((sum, { numExamples }) => sum + numExamples, 0);
    const shares = results.map(({ numExamples }) => numExamples / total);
    parameters = parameters.map((array, i) =>
      array.map((_, k) => results.reduce((sum, r, c) => sum + shares[c]! * r.parameters[i]![k]!, 0))
    );
    if (merges) {
      const states = results.map(({ metrics }) => metrics.state as Uint8Array);
      state = mergeStates(states, shares, { definition, ...(state ? { base: state } : {}) });
    }
    losses.push(lossOf(fromList(parameters), test).loss);
  }
  const found = await Promise.all(clients.map((client) => client.evaluate(parameters, {})));
  const accuracies = found.map(({ metrics }) => (100 * Number(metrics.accuracy)).toFixed(0));
  console.log(
    `${merges ? "merged" : "fresh"} states: accuracy by client ${accuracies.join(", ")} %`,
  );
  return losses;
}

/** The same clients for both, with the same batches. */
async function run(merges: boolean): Promise<number[]> {
  const clients = counts.map((count, k) => startClient(k, count));
  try {
    return await train(clients, merges);
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
}

const [merged, fresh] = [await run(true), await run(false)];
merged.forEach((loss, i) =>
  console.log(
    `round ${i + 1}: test loss ${loss.toFixed(4)} with merged states, ${
      fresh[i]!.toFixed(4)
    } with fresh ones`,
  )
);

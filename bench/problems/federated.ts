/** @module */
import type { Schedule } from "@precond/core";
import { random } from "../random.ts";
import { lengthOf } from "./curve.ts";
import { digits, type Examples, pick, range } from "./digits.ts";
import { multilayer, type Network } from "./layers.ts";
import { createLearner, type Learner } from "./learner.ts";
import {
  batches,
  examplesUsed,
  type NetworkProblem,
  problemOf,
  scheduleOf,
  stepOn,
} from "./network.ts";
import { observe, type Observed } from "./observer.ts";
import type { Outcome, Problem, Target, Task } from "./problem.ts";
import { withTarget } from "./targets.ts";
import { averageWeights } from "./weights.ts";

/** Clients with their own examples, and what the server measures with. */
export interface FederatedData extends Observed {
  readonly clients: readonly Examples[];
}

/** What makes a federated problem; its steps are rounds. */
export interface FederatedOptions extends NetworkProblem {
  readonly network: Network;
  /** Steps that every client takes in a round. */
  readonly localSteps: number;
  data(seed: number): FederatedData;
}

/** A client: its learner, and its own order of its own examples. */
interface Client {
  readonly learner: Learner;
  readonly examples: Examples;
  readonly order: Generator<Int32Array>;
}

/** A network that clients train and a server averages. */
export function federated(options: FederatedOptions): Problem {
  const fixed = withTarget(options);
  const { localSteps } = fixed;
  return problemOf(
    { ...fixed, more: { ...fixed.more, localSteps } },
    (task) => train(fixed, task),
  );
}

async function clientsOf(
  options: FederatedOptions,
  { method, learningRate, seed, backend }: Task,
  all: readonly Examples[],
): Promise<Client[]> {
  const { network, batchSize, localSteps } = options;
  // A client counts its own steps.
  const rounds = scheduleOf(options, learningRate);
  const schedule: Schedule = (n) => rounds(n / localSteps);
  const clients: Client[] = [];
  try {
    for (const [k, examples] of all.entries()) {
      const order = batches(examples.count, batchSize, seed + 1000 * k);
      const learner = await createLearner(backend, { network, method, schedule, seed, batchSize });
      clients.push({ learner, examples, order });
    }
    return clients;
  } catch (error) {
    for (const { learner } of clients) await learner.dispose();
    throw error;
  }
}

async function train(options: FederatedOptions & { target: Target }, task: Task): Promise<Outcome> {
  const { batchSize, target, localSteps } = options;
  const { steps, every } = lengthOf(options, task.steps);
  const data = options.data(task.seed);
  const clients = await clientsOf(options, task, data.clients);
  const [{ learner: server }] = clients as [Client];
  const { recorder, look, drop } = observe(server, data, { target, tuning: task.tuning });
  const counts = data.clients.map(({ count }) => count);
  let seconds = 0;
  try {
    await look(0, seconds);
    for (let round = 0; round < steps && !recorder.diverged; round++) {
      for (const client of clients) {
        seconds += await locally(client, round * localSteps, localSteps);
      }
      const all = await Promise.all(clients.map(({ learner }) => learner.weights()));
      const mean = averageWeights(all, counts);
      for (const { learner } of clients) learner.setWeights(mean);
      if ((round + 1) % every === 0 || round + 1 === steps) {
        await look(round + 1, seconds);
        await task.breathe();
      }
    }
  } finally {
    drop();
    for (const { learner } of clients) await learner.dispose();
  }
  const { length } = clients;
  return recorder.outcome((rounds) =>
    length * examplesUsed(task.method, batchSize, rounds * localSteps)
  );
}

/** The steps of a client in a round; returns the seconds that they took. */
async function locally(
  { learner, examples, order }: Client,
  from: number,
  steps: number,
): Promise<number> {
  let seconds = 0;
  for (let step = from; step < from + steps; step++) {
    const batch = pick(examples, order.next().value);
    seconds += await stepOn(learner, batch, { step, settles: step + 1 === from + steps });
  }
  return seconds;
}

/** Classes of each of four clients, which have all ten of them. */
const deal = [3, 2, 3, 2];

/** Clients with two or three digits each, 20 to 80 examples a digit: four, or eight in the full size. */
export function federatedData(seed: number, full: boolean): FederatedData {
  const { train: all, test } = digits();
  const draw = random("federated", seed);
  const order = draw.permutation(all.count);
  const validation = pick(all, order.subarray(0, 300));
  const left = Array.from({ length: 10 }, (): number[] => []);
  for (const i of order.subarray(300)) left[all.y[i]!]!.push(i);
  const clients: Examples[] = [];
  for (let dealt = 0; dealt < (full ? 2 : 1); dealt++) {
    const classes = [...draw.permutation(10)];
    for (const count of deal) {
      const own = classes.splice(0, count);
      clients.push(pick(all, own.flatMap((c) => left[c]!.splice(0, 20 + draw.integer(61)))));
    }
  }
  return {
    clients,
    probe: joined(clients),
    validation,
    test: full ? test : pick(test, range(0, 300)),
  };
}

function joined(parts: readonly Examples[]): Examples {
  const features = parts[0]!.features;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const [x, y] = [new Float32Array(count * features), new Int32Array(count)];
  let at = 0;
  for (const part of parts) {
    x.set(part.x, at * features);
    y.set(part.y, at);
    at += part.count;
  }
  return { count, features, x, y };
}

/** Federated averaging of small clients that have different digits. */
export function federatedProblem(full: boolean): Problem {
  const localSteps = full ? 5 : 3;
  const hidden = full ? 64 : 32;
  return federated({
    name: "federated",
    title: `Federated averaging, ${full ? 8 : 4} clients`,
    about: `784-${hidden}-10; every client has two or three of the digits. In a round each takes ` +
      `${localSteps} steps (B = 16) from the shared weights and keeps the state of its optimizer; ` +
      "then weights are averaged by numbers of examples. Steps are rounds.",
    set: "practical",
    noisyData: false,
    network: multilayer([784, hidden, 10]),
    batchSize: 16,
    steps: full ? 20 : 10,
    every: full ? 1 : 2,
    selections: ["finalValidation"],
    rateScale: 3,
    schedule: "constant",
    fullOnly: true,
    localSteps,
    data: (seed) => federatedData(seed, full),
  });
}

/**
 * The page that main.ts opens in Chromium.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-webgl";
import { gpuName, startGpu } from "./gpu.ts";
import { methods } from "./methods.ts";
import { fetchDigits } from "./problems/digits.ts";
import { allProblems } from "./problems/mod.ts";
import { type Outcome, problemAt, type Task } from "./problems/problem.ts";
import type { Text } from "./problems/text.ts";

/** A task by the names of its parts. */
export interface NamedTask extends Omit<Task, "method" | "breathe"> {
  readonly problem: string;
  readonly batchSize: number;
  readonly full: boolean;
  readonly method: string;
}

let text: Text;

/** Starts the backend and fetches the data, but for a text, which it is given; says what computes. */
export async function start(backend: string, given: Text): Promise<string> {
  text = given;
  await startGpu(backend);
  await fetchDigits("/digits/");
  return gpuName();
}

/** Runs a task here. */
export async function run(
  { problem, batchSize, full, method, ...rest }: NamedTask,
): Promise<Outcome> {
  const found = problemAt(
    allProblems(full, text).find(({ name }) => name === problem)!,
    batchSize,
  )!;
  return await found.run({
    ...rest,
    method: methods.find(({ name }) => name === method)!,
    breathe: () => new Promise((resolve) => setTimeout(resolve)),
  });
}

/** @module */
import {
  buildModel,
  differentiate,
  legalize,
  lossGraph,
  type ModelProto,
  perExampleSquares,
  tensorData,
  tensorDims,
  type TensorProto,
} from "@precond/onnx";
import type { Ort } from "@precond/onnxruntime";
import * as ortNode from "onnxruntime-node";
import { fileURLToPath } from "node:url";
import { openInPlace } from "../../packages/onnxruntime/hosts/in_place.ts";
import { interleaved, type Turns, wholeSteps } from "../overhead/interleaved.ts";
import { checkSamples } from "../overhead/rows.ts";
import { median } from "../statistics.ts";
import type { Feeds, OnnxCase } from "./cases.ts";
import type { Differentiation, RunTimes } from "./rows.ts";

const ort = ortNode as unknown as Ort;
const { Tensor } = ortNode;
const firstCall = fileURLToPath(new URL("first_call.ts", import.meta.url));

/** Differentiates one of the named cases in fresh processes: medians of time and memory. */
export async function measureDifferentiation(
  name: string,
  processes: number,
): Promise<Differentiation> {
  const calls: Differentiation[] = [];
  for (let i = 0; i < processes; i++) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", firstCall, name],
    }).output();
    if (!success) throw new Error(`Cannot differentiate: ${new TextDecoder().decode(stderr)}`);
    calls.push(JSON.parse(new TextDecoder().decode(stdout)));
  }
  const middle = (key: keyof Differentiation) => median(calls.map((call) => call[key]));
  return {
    nodes: middle("nodes"),
    gradient_nodes: middle("gradient_nodes"),
    differentiate_ms: middle("differentiate_ms"),
    extra_memory_ratio: middle("extra_memory_ratio"),
  };
}

/** A graph and the values of the parameters that it is fed with. */
export interface FedGraph {
  readonly model: ModelProto;
  readonly values: ReadonlyMap<string, TensorProto>;
}

/** The three graphs of a case, as the CPU provider is given them. */
export function graphsOf(
  { build, options }: OnnxCase,
  threads = 1,
): Record<keyof RunTimes, FedGraph> {
  const m = buildModel();
  build(m);
  const model = m.build();
  const legal = ({ model, values }: FedGraph): FedGraph => ({
    model: legalize(model, "cpu", { threads }).model,
    values,
  });
  return {
    forward_ms: legal(lossGraph(model, options)),
    gradient_ms: legal(differentiate(model, options)),
    squares_ms: legal(perExampleSquares(model, options)),
  };
}

/** A tensor for every input of a graph: what is fed, and the parameters, as in training. */
export function tensorsFor(
  { model, values }: FedGraph,
  feeds: Feeds,
): Record<string, ortNode.Tensor> {
  return Object.fromEntries(model.graph!.input.map(({ name }) => {
    const fed = feeds[name];
    if (fed !== undefined) {
      const type = fed.data instanceof BigInt64Array ? "int64" : "float32";
      return [name, new Tensor(type, fed.data, [...fed.dims])];
    }
    const parameter = values.get(name);
    if (parameter === undefined) throw new TypeError(`Cannot feed "${name}": it has no value`);
    return [
      name,
      new Tensor("float32", tensorData(parameter) as Float32Array, tensorDims(parameter)),
    ];
  }));
}

/** Runs the graphs of a case on the processor in turn, with the same inputs and threads. */
export async function measureRuns(
  given: OnnxCase,
  { threads, samples, turns = wholeSteps }: {
    readonly threads: number;
    readonly samples: number;
    readonly turns?: Turns;
  },
): Promise<RunTimes> {
  checkSamples(samples);
  const feeds = given.feeds?.() ?? {};
  const contenders = await Promise.all(
    Object.entries(graphsOf(given, threads)).map(async ([name, graph]) => {
      const session = await openInPlace(ort, graph.model, {
        intraOpNumThreads: threads,
        logSeverityLevel: 3,
        // Threads of a session that has nothing to do would spin while another one is timed.
        extra: { session: { force_spinning_stop: "1" } },
      });
      const tensors = tensorsFor(graph, feeds);
      // Written in place, as in training: new arrays in every run would be measured with it.
      const fetches = Object.fromEntries(
        Object.entries(await session.run(tensors)).map((
          [output, { dims, size }],
        ) => [output, new Tensor("float32", new Float32Array(size), dims)]),
      );
      return {
        name,
        step: async () => {
          await session.run(tensors, fetches);
        },
        release: () => session.release(),
      };
    }),
  );
  try {
    const times = await interleaved(contenders, samples, undefined, turns);
    return Object.fromEntries(times) as unknown as RunTimes;
  } finally {
    for (const { release } of contenders) await release();
  }
}

/** @module */
import { bodiesOf, nameOf } from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { GraphProto, NodeProto } from "../proto/onnx_pb.ts";

/** Deepest nesting of bodies that is read. */
const DEEPEST = 64;

/** Every value that a node reads, those that its bodies capture included. */
export function readsOf(node: NodeProto, depth = 0): string[] {
  const own = node.input.filter((name) => name !== "");
  const bodies = bodiesOf(node);
  if (bodies.length === 0) return own;
  if (depth > DEEPEST) {
    throw new OnnxError(`Cannot read the graph: bodies are nested more than ${DEEPEST} deep`, {
      node: nameOf(node),
    });
  }
  return [...own, ...bodies.flatMap((body) => capturesOf(body, depth + 1))];
}

/**
 * Makes names that a graph and the bodies in it do not have, by numbers behind them: "w", "w_1", …
 */
export function freshNames(
  graph: Pick<GraphProto, "node" | "input" | "initializer" | "sparseInitializer">,
): (base: string) => string {
  const namesIn = ({ input, initializer, sparseInitializer, node }: typeof graph): string[] => [
    ...input.map(({ name }) => name),
    ...initializer.map(({ name }) => name),
    ...sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...node.flatMap((one) => [...one.output, ...bodiesOf(one).flatMap(namesIn)]),
  ];
  const taken = new Set(namesIn(graph));
  return (base) => {
    let name = base;
    for (let k = 1; taken.has(name); k++) name = `${base}_${k}`;
    taken.add(name);
    return name;
  };
}

/** For each value the nodes that read it; a node that reads it twice, twice. */
export function readersIn(nodes: readonly NodeProto[]): Map<string, NodeProto[]> {
  const readers = new Map<string, NodeProto[]>();
  for (const node of nodes) {
    for (const name of readsOf(node)) {
      const found = readers.get(name);
      if (found === undefined) readers.set(name, [node]);
      else found.push(node);
    }
  }
  return readers;
}

function capturesOf(body: GraphProto, depth: number): string[] {
  const inner = new Set([
    ...body.input.map((i) => i.name),
    ...body.initializer.map((i) => i.name),
    ...body.node.flatMap((n) => n.output),
  ]);
  return [
    ...body.node.flatMap((n) => readsOf(n, depth)),
    ...body.output.map((o) => o.name),
  ].filter((name) => !inner.has(name));
}

/**
 * The nodes of a graph, each after those that it reads from.
 *
 * @throws {OnnxError} For a value that two nodes make, one that nothing makes, and a cycle.
 */
export function sortNodes(
  graph: Pick<GraphProto, "node" | "input" | "initializer" | "sparseInitializer">,
): NodeProto[] {
  const given = new Set([
    ...graph.input.map((i) => i.name),
    ...graph.initializer.map((i) => i.name),
    ...graph.sparseInitializer.map((i) => i.values?.name ?? ""),
  ]);
  const producers = new Map<string, number>();
  graph.node.forEach((node, at) => {
    for (const name of node.output) {
      if (name === "") continue;
      const first = producers.get(name);
      if (first !== undefined || given.has(name)) {
        throw new OnnxError(
          `Cannot read the graph: "${name}" is made twice, by ${
            first === undefined ? "an input" : `"${nameOf(graph.node[first]!)}"`
          } and by "${nameOf(node)}"`,
          { node: nameOf(node) },
        );
      }
      producers.set(name, at);
    }
  });
  const waiting: number[] = [];
  const users = new Map<number, number[]>();
  graph.node.forEach((node, at) => {
    const sources = new Set<number>();
    for (const name of readsOf(node)) {
      const source = producers.get(name);
      if (source !== undefined) sources.add(source);
      else if (!given.has(name)) {
        throw new OnnxError(
          `Cannot read the graph: ${node.opType} "${nameOf(node)}" reads "${name}", ` +
            `which is neither an input, an initializer nor another node's output`,
          { node: nameOf(node) },
        );
      }
    }
    waiting.push(sources.size);
    for (const source of sources) {
      const list = users.get(source);
      if (list === undefined) users.set(source, [at]);
      else list.push(at);
    }
  });
  // A graph in order stays in its order.
  const sorted: NodeProto[] = [];
  if (graph.node.every((node, at) => readsOf(node).every((r) => (producers.get(r) ?? -1) < at))) {
    return [...graph.node];
  }
  const ready = waiting.flatMap((count, at) => count === 0 ? [at] : []);
  for (let k = 0; k < ready.length; k++) {
    sorted.push(graph.node[ready[k]!]!);
    for (const user of users.get(ready[k]!) ?? []) {
      if (--waiting[user]! === 0) ready.push(user);
    }
  }
  if (sorted.length < graph.node.length) {
    const stuck = waiting.flatMap((count, at) => count > 0 ? [nameOf(graph.node[at]!)] : []);
    throw new OnnxError(
      `Cannot read the graph: nodes wait for each other in a cycle: ${
        stuck.slice(0, 5).map((n) => `"${n}"`).join(", ")
      }${stuck.length > 5 ? ` and ${stuck.length - 5} more` : ""}`,
      { node: stuck[0]! },
    );
  }
  return sorted;
}

/** Drops nodes that none of `wanted` depends on. */
export function liveNodes(nodes: readonly NodeProto[], wanted: Iterable<string>): NodeProto[] {
  const live = new Set(wanted);
  const kept: NodeProto[] = [];
  for (let k = nodes.length - 1; k >= 0; k--) {
    const node = nodes[k]!;
    if (!node.output.some((name) => live.has(name))) continue;
    kept.push(node);
    for (const name of readsOf(node)) live.add(name);
  }
  return kept.reverse();
}

/**
 * The same nodes with those whose outputs no other reads at the end, the first that could run last:
 * ONNX Runtime takes nodes without readers last in, first out, each with all that it needs. So a weight
 * gradient is computed as soon as its cotangent is there, which then goes; in the order of reverse mode
 * all of them would wait for the end of the run, and keep every cotangent alive.
 */
export function leavesLast(nodes: readonly NodeProto[]): NodeProto[] {
  const read = new Set(nodes.flatMap((node) => readsOf(node)));
  const rest: NodeProto[] = [];
  const leaves: NodeProto[] = [];
  for (const node of nodes) {
    (node.output.some((name) => read.has(name)) ? rest : leaves).push(node);
  }
  const made = new Map<string, number>();
  rest.forEach((node, at) => node.output.forEach((name) => name !== "" && made.set(name, at)));
  const ready = (node: NodeProto) => Math.max(-1, ...readsOf(node).map((r) => made.get(r) ?? -1));
  const last = leaves.map((node) => ({ node, at: ready(node) })).sort((a, b) => b.at - a.at);
  return [...rest, ...last.map(({ node }) => node)];
}

/** The same nodes in the same order, but for those that others need earlier. */
export function producersFirst(nodes: readonly NodeProto[]): NodeProto[] {
  const producers = new Map<string, NodeProto>();
  for (const node of nodes) for (const name of node.output) producers.set(name, node);
  const sorted = new Set<NodeProto>();
  for (const node of nodes) {
    const waiting = [node];
    while (waiting.length > 0) {
      const next = waiting.at(-1)!;
      const missing = sorted.has(next) ? [] : readsOf(next).flatMap((name) => {
        const source = producers.get(name);
        return source === undefined || sorted.has(source) ? [] : [source];
      });
      if (missing.length > 0) waiting.push(...missing.reverse());
      else {
        sorted.add(next);
        waiting.pop();
      }
    }
  }
  return [...sorted];
}

/** {@linkcode producersFirst} of a builder's nodes, where they are. */
export function sortInPlace(nodes: NodeProto[]): void {
  const sorted = producersFirst(nodes);
  nodes.length = 0;
  for (const node of sorted) nodes.push(node);
}

import { makeAttribute } from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  GraphProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
} from "../proto/onnx_pb.ts";
import {
  freshNames,
  leavesLast,
  liveNodes,
  producersFirst,
  readersIn,
  readsOf,
  sortNodes,
} from "./topology.ts";
import assert from "node:assert/strict";

const node = (name: string, input: string[], output: string[], attribute: AttributeProto[] = []) =>
  create(NodeProto, { opType: "Op", name, input, output, attribute });

const named = (name: string) => create(ValueInfoProto, { name });

const graph = (nodes: NodeProto[], inputs: string[] = ["x"]): GraphProto =>
  create(GraphProto, { node: nodes, input: inputs.map(named) });

const body = (g: GraphProto) => create(AttributeProto, { name: "body", type: 5, g });

const names = (nodes: readonly NodeProto[]) => nodes.map((n) => n.name).join(" ");

Deno.test("sortNodes() leaves an ordered graph as it is", () => {
  const nodes = [node("b", ["x"], ["1"]), node("a", ["x"], ["2"]), node("c", ["1", "2"], ["3"])];
  assert.equal(names(sortNodes(graph(nodes))), "b a c");
});

Deno.test("sortNodes() puts producers first", () => {
  const nodes = [
    node("d", ["2", "3"], ["4"]),
    node("c", ["1", "1"], ["3"]),
    node("b", ["1"], ["2"]),
    node("a", ["x", ""], ["1"]),
  ];
  assert.equal(names(sortNodes(graph(nodes))), "a c b d");
});

Deno.test("sortNodes() sees what bodies capture", () => {
  const inner = graph([node("inner", ["captured", "own"], ["z"])], ["own"]);
  const nodes = [
    node("loop", ["x"], ["y"], [body(inner)]),
    node("maker", ["x"], ["captured"]),
  ];
  assert.deepEqual(readsOf(nodes[0]!), ["x", "captured"]);
  assert.equal(names(sortNodes(graph(nodes))), "maker loop");
});

Deno.test("sortNodes() names a cycle", () => {
  const cycle = [node("a", ["2"], ["1"]), node("b", ["1"], ["2"]), node("c", ["x"], ["3"])];
  assert.throws(() => sortNodes(graph(cycle)), (error) => {
    assert.ok(error instanceof OnnxError);
    assert.match(error.message, /nodes wait for each other in a cycle: "a", "b"$/);
    assert.equal(error.node, "a");
    return true;
  });
  assert.throws(() => sortNodes(graph([node("self", ["1"], ["1"])])), /in a cycle: "self"/);
});

Deno.test("sortNodes() does not list a thousand nodes of a cycle", () => {
  const ring = Array.from(
    { length: 1000 },
    (_, k) => node(`n${k}`, [`${(k + 1) % 1000}`], [`${k}`]),
  );
  assert.throws(() => sortNodes(graph(ring)), /"n0", "n1", "n2", "n3", "n4" and 995 more/);
});

Deno.test("sortNodes() takes a chain of 100,000 nodes in any order without deep recursion", () => {
  const length = 100_000;
  const chain = Array.from(
    { length },
    (_, k) => node(`n${k}`, [k === 0 ? "x" : `${k}`], [`${k + 1}`]),
  );
  const sorted = sortNodes(graph([...chain].reverse()));
  assert.equal(sorted[0]!.name, "n0");
  assert.equal(sorted[length - 1]!.name, `n${length - 1}`);
});

Deno.test("sortNodes() names values that are made twice or not at all", () => {
  assert.throws(
    () => sortNodes(graph([node("a", ["x"], ["1"]), node("b", ["x"], ["1"])])),
    /"1" is made twice, by "a" and by "b"/,
  );
  assert.throws(
    () => sortNodes(graph([node("a", ["x"], ["x"])])),
    /"x" is made twice, by an input and by "a"/,
  );
  assert.throws(
    () => sortNodes(graph([node("a", ["x"], ["1", "1"])])),
    /"1" is made twice, by "a" and by "a"/,
  );
  assert.throws(
    () => sortNodes(graph([node("a", ["x", "w"], ["1"])])),
    /Op "a" reads "w", which is neither an input, an initializer nor another node's output/,
  );
});

Deno.test("readsOf() refuses bodies nested without end", () => {
  let inner = graph([node("deepest", ["x"], ["y"])]);
  for (let k = 0; k < 100; k++) inner = graph([node(`n${k}`, [], ["y"], [body(inner)])]);
  assert.throws(
    () => readsOf(node("outer", [], ["y"], [body(inner)])),
    /bodies are nested more than 64 deep/,
  );
});

Deno.test("freshNames() keeps clear of inputs, stored tensors, results and its own", () => {
  const given = create(GraphProto, {
    input: [named("x")],
    initializer: ["w", "w_1"].map((name) => create(TensorProto, { name })),
    sparseInitializer: [
      create(SparseTensorProto, { values: create(TensorProto, { name: "s" }) }),
    ],
    node: [node("a", ["x"], ["y"])],
  });
  const fresh = freshNames(given);
  const expected = ["x_1", "w_2", "s_1", "y_1", "z", "z_1"];
  assert.deepEqual(["x", "w", "s", "y", "z", "z"].map((base) => fresh(base)), expected);
});

Deno.test("readersIn() lists the readers of a value, by what they capture, too", () => {
  const inner = graph([node("inner", ["1"], ["z"])], []);
  const nodes = [
    node("a", ["x", ""], ["1"]),
    node("square", ["1", "1"], ["2"]),
    node("if", ["x"], ["3"], [body(inner)]),
  ];
  const readers = [...readersIn(nodes)].map(([name, list]) => `${name}: ${names(list)}`);
  assert.deepEqual(readers, ["x: a if", "1: square square if"]);
});

Deno.test("liveNodes() keeps what an output needs", () => {
  const nodes = [
    node("a", ["x"], ["1"]),
    node("dead", ["1"], ["2"]),
    node("b", ["1"], ["3", "unused"]),
  ];
  assert.equal(names(liveNodes(nodes, ["3"])), "a b");
  assert.equal(names(liveNodes(nodes, [])), "");
});

Deno.test("liveNodes() keeps what a body captures", () => {
  const inner = graph([node("inner", ["1"], ["z"])], []);
  const nodes = [
    node("a", ["x"], ["1"]),
    node("if", ["x"], ["2"], [makeAttribute("axis", 1), body(inner)]),
  ];
  assert.equal(names(liveNodes(nodes, ["2"])), "a if");
});

Deno.test("leavesLast() puts first what can run last, once", () => {
  const inner = graph([node("inner", ["2"], ["z"])], []);
  const nodes = [
    node("zeros", ["x"], ["0"]),
    node("a", ["x"], ["1"]),
    node("of a", ["1"], ["dw"]),
    node("b", ["1"], ["2"]),
    node("of b", ["2", "1"], ["db"]),
    node("also of b", ["1", "2"], ["dc"]),
    node("c", ["2"], ["3", ""]),
    node("of c", ["3"], ["dd", "unused"]),
    node("captures b", ["x"], ["de"], [body(inner)]),
  ];
  const expected = ["a", "b", "c", "of c", "of b", "also of b", "captures b", "of a", "zeros"];
  const sorted = leavesLast(nodes);
  assert.deepEqual(sorted.map((n) => n.name), expected);
  assert.deepEqual(leavesLast(sorted), sorted);
});

Deno.test("producersFirst() moves what is needed earlier, and nothing else", () => {
  const nodes = [
    node("a", ["x"], ["1"]),
    node("c", ["3", "1"], ["4"]),
    node("d", ["1"], ["5"]),
    node("b2", ["2"], ["3"]),
    node("b1", ["x"], ["2"]),
    node("e", ["5"], ["6"]),
  ];
  assert.equal(names(producersFirst(nodes)), "a b1 b2 c d e");
  const ordered = producersFirst(nodes);
  assert.deepEqual(producersFirst(ordered), ordered);
});

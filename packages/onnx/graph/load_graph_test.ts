import { makeModel, makeNode, normal, type TestGraph } from "../_testing.ts";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { makeTensor } from "../model/tensor.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { loadGraph } from "./load_graph.ts";
import type { LoadedGraph } from "./load_graph_with.ts";
import assert from "node:assert/strict";

const load = (model: ModelProto): LoadedGraph => loadGraph(model, ruleFor);

const relu: TestGraph = {
  nodes: [makeNode("Relu", ["x"], ["y"])],
  inputs: { x: normal(1, [2, 3]) },
  outputs: ["y"],
};

const refuses = (change: (model: ModelProto) => void, message: RegExp, graph = relu) => {
  // Through bytes: messages of a test share their nodes.
  const model = readModel(writeModel(makeModel(graph)));
  change(model);
  assert.throws(() => load(model), (error) => {
    assert.ok(error instanceof OnnxError, String(error));
    assert.match(error.message, message);
    return true;
  });
};

Deno.test("loadGraph() does not change the model", () => {
  const model = makeModel({ ...relu, opset: 11 });
  const before = writeModel(model);
  load(model);
  assert.deepEqual(writeModel(model), before);
});

Deno.test("loadGraph() writes operator set 18 or the model's", () => {
  for (const [opset, written] of [[7, 18], [18, 18], [20, 20]] as const) {
    assert.equal(load(makeModel({ ...relu, opset })).b.opset, written);
  }
});

Deno.test("loadGraph() refuses operator sets that it does not understand", () => {
  const imports = (opset: bigint) => (m: ModelProto) => void (m.opsetImport[0]!.version = opset);
  refuses(imports(-1n), /operator set -1; those from 1 to 99/);
  refuses(imports(2n ** 62n), /operator set 4611686018427388000; those/);
  refuses((m) => void (m.opsetImport = []), /operator set 0; those/);
});

Deno.test("loadGraph() refuses a model without a graph", () => {
  refuses((m) => void delete m.graph, /it has no graph/);
});

Deno.test("loadGraph() refuses names that are given twice", () => {
  const graph: TestGraph = {
    ...relu,
    nodes: [makeNode("Add", ["x", "w"], ["y"])],
    initializers: { w: normal(2, [3]) },
  };
  refuses((m) => m.graph!.initializer.push(m.graph!.initializer[0]!), /"w" is given twice/, graph);
  refuses((m) => m.graph!.input.push(m.graph!.input[0]!), /input "x" twice/, graph);
  refuses((m) => m.graph!.node.push(m.graph!.node[0]!), /"y" is made twice/, graph);
  refuses((m) => void (m.graph!.node[0]!.output = ["w"]), /"w" is made twice, by an input/, graph);
});

Deno.test("loadGraph() refuses values that nothing makes", () => {
  refuses((m) => void (m.graph!.input = []), /Relu "Relu of y" reads "x", which is neither/);
  refuses((m) => void (m.graph!.output[0]!.name = "z"), /nothing makes its output "z"/);
});

Deno.test("loadGraph() refuses absurd sizes", () => {
  const size = (value: bigint) => (m: ModelProto) => {
    const type = m.graph!.input[0]!.type!.value;
    if (type?.$case === "tensorType") {
      type.value.shape!.dim.forEach((d) => d.value = { $case: "dimValue", value });
    }
  };
  refuses(size(2n ** 60n), /Cannot read the shape of "x": size 1152921504606846976/);
  refuses(size(2n ** 40n), /Cannot read Flatten "Flatten of y": sizes .* multiply to more/, {
    ...relu,
    nodes: [makeNode("Flatten", ["x"], ["y"], { axis: 0 })],
  });
  refuses(
    (m) => void (m.graph!.initializer[0]!.dims = [-1n, 3n]),
    /Cannot read tensor "w": shape is \[-1,3\]/,
    { ...relu, nodes: [makeNode("Add", ["x", "w"], ["y"])], initializers: { w: normal(2, [3]) } },
  );
});

Deno.test("loadGraph() names the node whose shapes do not fit", () => {
  refuses(() => {}, /Cannot read Add "Add of y": sizes 3 and 4 do not broadcast/, {
    ...relu,
    nodes: [makeNode("Add", ["x", "w"], ["y"])],
    initializers: { w: normal(2, [4]) },
  });
});

Deno.test("loadGraph() takes equal symbols for equal sizes and unnamed sizes for their own", () => {
  const { b } = load(makeModel({
    nodes: [makeNode("Add", ["a", "c"], ["y"])],
    inputs: { a: normal(1, [2, 3]), c: normal(2, [2, 3]) },
    symbols: { a: ["N", ""], c: ["N", ""] },
    outputs: ["y"],
  }));
  assert.equal(b.dims("y")[0], "N");
  assert.notEqual(b.dims("a")[1], b.dims("c")[1]);
});

Deno.test("loadGraph() does not take a file's names for its own symbols", () => {
  // As a graph that this package wrote has them.
  const { b } = load(makeModel({
    nodes: [makeNode("NonZero", ["3"], ["y"]), makeNode("Flatten", ["3"], ["z"], { axis: 0 })],
    inputs: { "3": normal(1, [2, 3]) },
    symbols: { "3": ["", "unknown_0"] },
    outputs: ["y", "z"],
  }));
  const [rows, columns] = b.dims("3");
  assert.notEqual(columns, b.dims("y")[1], "a made-up size is not the file's");
  assert.deepEqual(b.dims("z"), [1, [rows, columns].sort().join("*")], "3.0 is not a number");
});

Deno.test("loadGraph() takes a declared shape where inference finds none", () => {
  const model = makeModel({
    nodes: [makeNode("Mystery", ["x"], ["m"], {}, "other"), makeNode("Relu", ["m"], ["y"])],
    inputs: { x: normal(1, [2, 3]) },
    outputs: ["y"],
  });
  model.graph!.valueInfo.push({ ...model.graph!.input[0]!, name: "m" });
  assert.deepEqual(load(model).b.dims("y"), [2, 3]);
});

Deno.test("loadGraph() reads every form of Constant", () => {
  const value = makeTensor("", DataType.INT64, [2], new BigInt64Array([5n, 6n]));
  const nodes = [
    makeNode("Constant", [], ["tensor"], { value }),
    makeNode("Constant", [], ["int"], { value_int: 7 }),
    makeNode("Constant", [], ["ints"], { value_ints: [8, 9] }),
    makeNode("Constant", [], ["float"], { value_float: float(0.5) }),
    makeNode("Constant", [], ["floats"], { value_floats: { floats: [1, 2, 3] } }),
  ];
  const { b, initializers } = load(makeModel({ nodes, inputs: {}, outputs: [] }));
  assert.deepEqual(b.known("tensor"), [5, 6]);
  assert.deepEqual(b.known("int"), [7]);
  assert.deepEqual(b.dims("int"), []);
  assert.deepEqual(b.known("ints"), [8, 9]);
  assert.deepEqual(b.dims("float"), []);
  assert.deepEqual(b.dims("floats"), [3]);
  assert.equal(b.dataType("floats"), DataType.FLOAT);
  assert.deepEqual(initializers, [], "they are not the file's initializers");
});

Deno.test("loadGraph() separates what is fed from what has a value", () => {
  const model = makeModel({
    nodes: [makeNode("Add", ["x", "w"], ["y"])],
    inputs: { x: normal(1, [2, 3]), w: normal(2, [3]) },
    initializers: { w: normal(2, [3]) },
    outputs: ["y"],
  });
  const { inputs, initializers } = load(model);
  assert.deepEqual(inputs.map((i) => i.name), ["x"]);
  assert.deepEqual(initializers, ["w"]);
});

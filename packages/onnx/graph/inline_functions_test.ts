import { compare, makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { differentiate } from "../differentiate/mod.ts";
import { float, makeAttribute } from "../model/attributes.ts";
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  FunctionProto,
  type ModelProto,
  type NodeProto,
} from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { inlineFunctions } from "./inline_functions.ts";
import { loadGraph } from "./load_graph.ts";
import { NEWEST_OPSET } from "./load_graph_with.ts";
import assert from "node:assert/strict";

interface Definition {
  readonly input: string[];
  readonly output: string[];
  readonly node: NodeProto[];
  readonly attribute?: string[];
  readonly defaults?: FunctionProto["attributeProto"];
  readonly opset?: number;
}

const define = (name: string, definition: Definition): FunctionProto => {
  const { defaults = [], opset = 18, ...rest } = definition;
  return create(FunctionProto, {
    ...rest,
    name,
    domain: "own",
    attributeProto: defaults,
    opsetImport: [{ domain: "", version: BigInt(opset) }, { domain: "own", version: 1n }],
  });
};

const call = (name: string, inputs: string[], outputs: string[], attributes = {}) =>
  makeNode(name, inputs, outputs, attributes, "own");

const refersTo = (node: NodeProto, name: string, refAttrName: string, type: number): NodeProto => {
  node.attribute.push(create(AttributeProto, { name, refAttrName, type }));
  return node;
};

const withFunctions = (
  nodes: NodeProto[],
  functions: FunctionProto[],
  outputs = ["y"],
): ModelProto => {
  const model = makeModel({ nodes, inputs: { x: normal(1, [2, 3]) }, outputs });
  model.functions = functions;
  if (!model.opsetImport.some((o) => o.domain === "own")) {
    model.opsetImport.push({ ...model.opsetImport[0]!, domain: "own", version: 1n });
  }
  return model;
};

const inlined = (model: ModelProto) =>
  inlineFunctions(model.graph!.node, model, 18).map(({ node, opset }) =>
    `${node.opType}(${node.input})→${node.output}${opset === 18 ? "" : ` at ${opset}`}`
  );

const square = define("Square", {
  input: ["a"],
  output: ["b"],
  node: [makeNode("Mul", ["a", "a"], ["b"])],
});

const leaky = define("Leaky", {
  input: ["a"],
  output: ["b"],
  attribute: ["slope"],
  node: [refersTo(makeNode("LeakyRelu", ["a"], ["b"]), "alpha", "slope", 1)],
});

Deno.test("inlineFunctions() leaves a model without functions as it is", () => {
  const model = withFunctions([makeNode("Relu", ["x"], ["y"])], []);
  assert.equal(inlineFunctions(model.graph!.node, model, 18)[0]!.node, model.graph!.node[0]);
});

Deno.test("inlineFunctions() gives the values of each call their own names", () => {
  const fourth = define("Fourth", {
    input: ["a"],
    output: ["b"],
    node: [call("Square", ["a"], ["t"]), call("Square", ["t"], ["b"])],
  });
  const model = withFunctions(
    [call("Fourth", ["x"], ["m"]), call("Fourth", ["m"], ["y"])],
    [square, fourth],
  );
  assert.deepEqual(inlined(model), [
    "Mul(x,x)→Fourth.0/t",
    "Mul(Fourth.0/t,Fourth.0/t)→m",
    "Mul(m,m)→Fourth.3/t",
    "Mul(Fourth.3/t,Fourth.3/t)→y",
  ]);
});

Deno.test("inlineFunctions() does not take a name that the graph has", () => {
  const twice = define("Twice", {
    input: ["a"],
    output: ["b"],
    node: [makeNode("Neg", ["a"], ["t"]), makeNode("Neg", ["t"], ["b"])],
  });
  const model = withFunctions([
    makeNode("Relu", ["x"], ["Twice.0/t"]),
    call("Twice", ["x"], ["m"]),
    makeNode("Add", ["m", "Twice.0/t"], ["y"]),
  ], [twice]);
  assert.deepEqual(inlined(model), [
    "Relu(x)→Twice.0/t",
    "Neg(x)→Twice.0//t",
    "Neg(Twice.0//t)→m",
    "Add(m,Twice.0/t)→y",
  ]);
});

Deno.test("inlineFunctions() fills in attributes: the call's, the default, or none", () => {
  const withDefault = define("WithDefault", {
    input: ["a"],
    output: ["b"],
    defaults: [makeAttribute("slope", float(0.25))],
    node: [refersTo(makeNode("LeakyRelu", ["a"], ["b"]), "alpha", "slope", 1)],
  });
  const outer = define("Outer", {
    input: ["a"],
    output: ["b"],
    attribute: ["steep"],
    node: [refersTo(call("Leaky", ["a"], ["b"]), "slope", "steep", 1)],
  });
  const model = withFunctions([
    call("Leaky", ["x"], ["1"], { slope: float(0.5) }),
    call("Leaky", ["x"], ["2"]),
    call("WithDefault", ["x"], ["3"]),
    call("WithDefault", ["x"], ["4"], { slope: float(0.75) }),
    call("Outer", ["x"], ["5"], { steep: float(2) }),
    call("Outer", ["x"], ["6"]),
  ], [leaky, withDefault, outer]);
  const found = inlineFunctions(model.graph!.node, model, 18).map(({ node }) =>
    node.attribute.map((a) => `${a.name}=${a.f}`).join()
  );
  assert.deepEqual(found, ["alpha=0.5", "", "alpha=0.25", "alpha=0.75", "alpha=2", ""]);
});

Deno.test("inlineFunctions() leaves absent inputs and outputs absent", () => {
  const clip = define("OwnClip", {
    input: ["a", "low", "high"],
    output: ["b", "c"],
    node: [makeNode("Clip", ["a", "low", "high"], ["b"]), makeNode("Neg", ["b"], ["c"])],
  });
  const model = withFunctions([
    call("OwnClip", ["x", "", "x"], ["1", "2"]),
    call("OwnClip", ["x"], ["", "3"]),
  ], [clip]);
  assert.deepEqual(inlined(model), [
    "Clip(x,,x)→1",
    "Neg(1)→2",
    "Clip(x,,)→OwnClip.1/b",
    "Neg(OwnClip.1/b)→3",
  ]);
});

Deno.test("inlineFunctions() takes a function that returns an input, or a value twice", () => {
  const passing = define("Passing", {
    input: ["a"],
    output: ["a", "b", "b"],
    node: [makeNode("Neg", ["a"], ["b"])],
  });
  const model = withFunctions([call("Passing", ["x"], ["1", "2", "3"])], [passing]);
  assert.deepEqual(inlined(model), ["Neg(x)→2", "Identity(x)→1", "Identity(2)→3"]);
});

Deno.test("inlineFunctions() knows the operator set of each function", () => {
  const older = define("Older", {
    input: ["a"],
    output: ["b"],
    node: [makeNode("Unsqueeze", ["a"], ["b"], { axes: [0] })],
    opset: 9,
  });
  const model = withFunctions([call("Older", ["x"], ["m"]), call("Square", ["m"], ["y"])], [
    older,
    square,
  ]);
  assert.deepEqual(inlined(model), ["Unsqueeze(x)→m at 9", "Mul(m,m)→y"]);
  assert.deepEqual(loadGraph(model, ruleFor).b.dims("y"), [1, 2, 3]);
});

Deno.test("A function of a newer operator set than the model's raises the written one", () => {
  const newer = define("Newer", {
    input: ["a"],
    output: ["b"],
    node: [makeNode("Gelu", ["a"], ["b"])],
    opset: 20,
  });
  assert.equal(
    loadGraph(withFunctions([call("Newer", ["x"], ["y"])], [newer]), ruleFor).b.opset,
    20,
  );
});

Deno.test("A function of an operator set that is not understood is refused", () => {
  for (const opset of [6, NEWEST_OPSET + 1]) {
    const odd = define("Odd", {
      input: ["a"],
      output: ["b"],
      node: [makeNode("Neg", ["a"], ["b"])],
      opset,
    });
    assert.throws(
      () => loadGraph(withFunctions([call("Odd", ["x"], ["y"])], [odd]), ruleFor),
      new RegExp(`operator set ${opset}`),
    );
  }
});

Deno.test("inlineFunctions() refuses recursion", () => {
  const endless = define("Endless", {
    input: ["a"],
    output: ["b"],
    node: [call("Endless", ["a"], ["t"]), call("Endless", ["t"], ["b"])],
  });
  const model = withFunctions([call("Endless", ["x"], ["y"])], [endless]);
  assert.throws(
    () => inlined(model),
    /Cannot inline function "Endless": functions are nested more than 32 deep/,
  );
});

Deno.test("inlineFunctions() refuses functions that double at each level, though empty", () => {
  const levels = Array.from({ length: 30 }, (_, k) =>
    define(`F${k}`, {
      input: ["a"],
      output: ["b"],
      node: k === 0 ? [] : [call(`F${k - 1}`, ["a"], ["t"]), call(`F${k - 1}`, ["t"], ["b"])],
    }));
  const model = withFunctions([call("F29", ["x"], ["y"])], levels);
  assert.throws(() => inlined(model), /make more than 1000000 nodes/);
});

Deno.test("inlineFunctions() refuses more inputs or outputs than the function has", () => {
  const model = withFunctions([call("Square", ["x", "x"], ["y"])], [square]);
  assert.throws(
    () => inlined(model),
    /Cannot inline function "Square" at "Square of y": expected at most 1 inputs, actual number is 2/,
  );
  const twice = withFunctions([call("Square", ["x"], ["y", "z"])], [square]);
  assert.throws(() => inlined(twice), /expected at most 1 outputs, actual number is 2/);
});

Deno.test("loadGraph() finds cycles and missing values inside a function", () => {
  const cyclic = define("Cyclic", {
    input: ["a"],
    output: ["b"],
    node: [makeNode("Add", ["a", "t"], ["b"]), makeNode("Neg", ["b"], ["t"])],
  });
  assert.throws(
    () => loadGraph(withFunctions([call("Cyclic", ["x"], ["y"])], [cyclic]), ruleFor),
    /nodes wait for each other in a cycle: "Cyclic.0\/Add of b", "Cyclic.0\/Neg of t"/,
  );
  const missing = define("Missing", {
    input: ["a"],
    output: ["b"],
    node: [makeNode("Add", ["a", "nothing"], ["b"])],
  });
  assert.throws(
    () => loadGraph(withFunctions([call("Missing", ["x"], ["y"])], [missing]), ruleFor),
    /Add "Missing.0\/Add of b" reads "Missing.0\/nothing"/,
  );
  const empty = define("Empty", { input: ["a"], output: ["b"], node: [] });
  assert.throws(
    () => loadGraph(withFunctions([call("Empty", ["x"], ["y"])], [empty]), ruleFor),
    /nothing makes its output "y"/,
  );
});

Deno.test("A model with functions computes the same once they are inlined", async () => {
  const outer = define("Outer", {
    input: ["a"],
    output: ["b"],
    attribute: ["steep"],
    // Not in order: ONNX Runtime sorts, and so do we.
    node: [
      refersTo(call("Leaky", ["a"], ["t"]), "slope", "steep", 1),
      call("Square", ["t"], ["b"]),
    ],
  });
  const model = withFunctions(
    [
      call("Outer", ["x"], ["m"], { steep: float(0.5) }),
      makeNode("Add", ["m", "x"], ["y"]),
      makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
    ],
    [leaky, square, outer],
    ["y", "loss"],
  );
  const x = normal(1, [2, 3]);
  const { model: grown } = differentiate(model, { output: "loss", trainable: ["x"] });
  assert.equal(grown.functions.length, 0);
  const [expected, actual] = [await runModel(model, { x }), await runModel(grown, { x })];
  compare(actual["y"]!.data, expected["y"]!.data, 1e-12, "y");
  // y = leaky(x)² + x: ∂y/∂x = 2 x slope² + 1
  const slopes = x.data.map((v) => 2 * v * (v > 0 ? 1 : 0.25) + 1);
  compare(actual["x_grad"]!.data, slopes, 1e-12, "gradient");
});

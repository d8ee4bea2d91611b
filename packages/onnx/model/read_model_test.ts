import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import { makeModel, makeNode, normal } from "../_testing.ts";
import { writeCheckpoint } from "../artifacts/write_checkpoint.ts";
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  FunctionProto,
  GraphProto,
  type ModelProto,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
} from "../proto/onnx_pb.ts";
import { DataType } from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";
import { readModel, writeModel } from "./read_model.ts";
import { makeTensor, tensorData } from "./tensor.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A model with one of everything. */
function everything(): ModelProto {
  const model = makeModel({
    nodes: [makeNode("If", ["c"], ["y"]), makeNode("Twice", ["y"], ["z"], { k: [1, 2] }, "own")],
    inputs: { c: { dims: [], data: [1], type: DataType.BOOL } },
    initializers: { w: normal(1, [3, 2]) },
    outputs: ["z"],
    symbols: {},
  });
  const graph = model.graph!;
  graph.node[0]!.attribute.push(create(AttributeProto, {
    name: "then_branch",
    type: 5,
    g: create(GraphProto, {
      name: "then",
      node: [makeNode("Identity", ["w"], ["t"])],
      output: [create(ValueInfoProto, { name: "t" })],
    }),
  }));
  graph.initializer.push(
    create(TensorProto, {
      name: "words",
      dataType: DataType.STRING,
      dims: [2n],
      stringData: [encode("α"), new Uint8Array([0xff])],
    }),
    create(TensorProto, { name: "half", dataType: 10, dims: [1n], int32Data: [0x3c00] }),
  );
  graph.sparseInitializer.push(create(SparseTensorProto, {
    values: makeTensor("sparse", DataType.FLOAT, [1], Float32Array.of(2)),
    indices: makeTensor("", DataType.INT64, [1], BigInt64Array.of(3n)),
    dims: [5n],
  }));
  graph.metadataProps.push({
    key: "k",
    value: "v",
  });
  model.functions.push(create(FunctionProto, {
    name: "Twice",
    domain: "own",
    input: ["x"],
    output: ["y"],
    node: [makeNode("Add", ["x", "x"], ["y"])],
    opsetImport: [{ domain: "", version: 18n }],
  }));
  return model;
}

Deno.test("everything in a model survives a round trip", () => {
  const bytes = writeModel(everything());
  const model = readModel(bytes);
  assert.deepEqual(writeModel(model), bytes);
  const { initializer, sparseInitializer, node } = model.graph!;
  assert.deepEqual(initializer[1]!.stringData, [encode("α"), new Uint8Array([0xff])]);
  assert.deepEqual(tensorData(sparseInitializer[0]!.values!), Float32Array.of(2));
  assert.equal(sparseInitializer[0]!.dims[0], 5n);
  assert.equal(node[0]!.attribute[0]!.g!.node[0]!.opType, "Identity");
  assert.equal(model.functions[0]!.node[0]!.opType, "Add");
});

Deno.test("every IR version from 3 to 13 is read", () => {
  for (let version = 3n; version <= 13n; version++) {
    const model = everything();
    model.irVersion = version;
    assert.equal(readModel(writeModel(model)).irVersion, version);
  }
});

Deno.test("initializers are views on the file", () => {
  const bytes = writeModel(everything());
  const [w] = readModel(bytes).graph!.initializer;
  assert.equal(w!.rawData!.buffer, bytes.buffer);
});

/** A graph (field 7 of the model) with the given fields. */
function withGraph(graph: Uint8Array): Uint8Array {
  return new BinaryWriter().uint32(tag(1, WireType.Varint)).int64(8n)
    .uint32(tag(7, WireType.LengthDelimited)).bytes(graph).finish();
}
const tag = (number: number, type: WireType) => (number << 3 | type) >>> 0;

Deno.test("fields that the schema does not have survive a round trip", () => {
  const graph = new BinaryWriter()
    .uint32(tag(2, WireType.LengthDelimited)).string("g")
    .uint32(tag(200, WireType.Varint)).int64(-5n)
    .uint32(tag(201, WireType.Bit64)).fixed64(7n)
    .uint32(tag(202, WireType.LengthDelimited)).string("new")
    .uint32(tag(203, WireType.Bit32)).fixed32(9)
    .uint32(tag(204, WireType.StartGroup)).uint32(tag(1, WireType.Varint)).uint32(1)
    .uint32(tag(204, WireType.EndGroup)).finish();
  const bytes = withGraph(graph);
  const model = readModel(bytes);
  assert.equal(model.graph!.name, "g");
  assert.deepEqual(writeModel(model), bytes);
});

/** Where a file is refused, and why. */
function refusal(bytes: Uint8Array): OnnxError {
  try {
    readModel(bytes);
  } catch (error) {
    assert.ok(error instanceof OnnxError, String(error));
    return error;
  }
  return assert.fail("the model was read");
}

Deno.test("a truncated file is refused at every length, with the byte where it breaks", () => {
  const bytes = writeModel(everything());
  // The graph is a field of its own: up to its tag a prefix is a valid message without a graph.
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    let model: ModelProto | undefined;
    try {
      model = readModel(cut);
    } catch (error) {
      assert.ok(error instanceof OnnxError, String(error));
      assert.ok(error.offset! >= 0 && error.offset! <= length, `${error.offset} of ${length}`);
    }
    // Only whole trailing fields (imports, functions) can be missing unnoticed.
    if (model !== undefined) assert.deepEqual(model.graph, readModel(bytes).graph);
  }
  const { message, offset } = refusal(new Uint8Array([0x08, 0x08, 0x3a, 0x05, 0x12, 0x01]));
  assert.equal(offset, 2);
  assert.equal(
    message,
    "Cannot read the model: ModelProto.graph has 5 bytes, 2 are left (byte 2 of 6)",
  );
});

Deno.test("malformed files are refused with the byte and the reason", () => {
  const graph = (...bytes: number[]) => withGraph(new Uint8Array(bytes));
  const cases: [bytes: Uint8Array, offset: number, why: RegExp][] = [
    [new Uint8Array(), 0, /expected a graph in 0 bytes, found none/],
    [new Uint8Array([0xff]), 0, /a field's number does not end/],
    [new Uint8Array(12).fill(0x80), 0, /a field's number does not end/],
    [new Uint8Array([0x00]), 0, /field number 0 of ModelProto/],
    [new Uint8Array([0x08, 0x80]), 1, /field 1 does not end/],
    [new Uint8Array([0x0a, 0x00]), 0, /ModelProto.ir_version has wire type 2, expected 0/],
    [new Uint8Array([0x0e]), 0, /ModelProto.ir_version has wire type 6, expected 0/],
    // A node longer than its graph: the library alone reads on behind the graph.
    [graph(0x0a, 0x09, 0x0a), 4, /GraphProto.node has 9 bytes, 1 are left/],
    // A name that is not UTF-8.
    [graph(0x12, 0x01, 0xff), 6, /GraphProto.name is not UTF-8/],
    // A length of 4 GiB.
    [graph(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f), 4, /has 4294967295 bytes, 0 are left/],
    // Floats (field 4 of the tensor, field 5 of the graph) whose length is no multiple of 4.
    [graph(0x2a, 0x05, 0x22, 0x03, 0, 0, 0), 8, /float_data has 3 bytes, not a multiple of 4/],
    [graph(0x2a, 0x03, 0x3a, 0x01, 0x80), 8, /a number of TensorProto.int64_data does not end/],
    [graph(0xa3, 0x06, 0xac, 0x06), 6, /group 100 ends as 101/],
    [graph(0xa3, 0x06), 6, /group 100 does not end/],
    [graph(0xa4, 0x06), 4, /field 100 has wire type 4/],
    [graph(0xa1, 0x06, 0x00), 4, /field 100 ends at 14, after 7/],
  ];
  for (const [bytes, offset, why] of cases) {
    const error = refusal(bytes);
    assert.match(error.message, why);
    assert.equal(error.offset, offset, error.message);
  }
});

Deno.test("messages and groups nested 10,000 deep are refused, not followed", () => {
  // Attribute → graph → node → attribute …, written from the inside.
  const nest = (chain: readonly number[], times: number) => {
    let inner = new Uint8Array();
    for (let k = 0; k < times; k++) {
      for (const number of chain) {
        const outer = new BinaryWriter().uint32(tag(number, WireType.LengthDelimited));
        inner = outer.bytes(inner).finish();
      }
    }
    return inner;
  };
  // A graph in a node's attribute: fields 6 (g), 5 (attribute), 1 (node).
  const bodies = refusal(withGraph(nest([6, 5, 1], 3334)));
  assert.match(bodies.message, /messages are nested more than 100 deep/);
  const groups = new Uint8Array(20_000).fill(0).map((_, k) => k % 2 === 0 ? 0xa3 : 0x06);
  assert.match(refusal(withGraph(groups)).message, /groups are nested more than 100 deep/);
});

Deno.test("giant lengths allocate nothing", () => {
  const before = Deno.memoryUsage();
  for (const number of [4, 5, 7, 10, 11, 9, 6]) {
    // Every repeated or bytes field of a tensor, with 2 GiB announced.
    const tensor = new BinaryWriter().uint32(tag(number, WireType.LengthDelimited))
      .uint32(0x7fffffff).finish();
    const graph = new BinaryWriter().uint32(tag(5, WireType.LengthDelimited)).bytes(tensor)
      .finish();
    assert.match(refusal(withGraph(graph)).message, /has 2147483647 bytes, 0 are left/);
  }
  const after = Deno.memoryUsage();
  assert.ok(after.rss - before.rss < 100e6);
});

Deno.test("what is no model is refused by what it is", () => {
  for (const given of ["model.onnx", undefined, new ArrayBuffer(8)]) {
    assert.throws(() => readModel(given as unknown as Uint8Array), {
      name: "TypeError",
      message: /^Cannot read the model: expected its bytes as a Uint8Array, given is \w+$/,
    });
  }
  const checkpoint = writeCheckpoint({
    parameters: [makeTensor("w", DataType.FLOAT, [2], new Float32Array(2))],
  });
  assert.throws(() => readModel(checkpoint), {
    name: "OnnxError",
    message: "Cannot read the model: the file is a checkpoint, which has no graph",
  });
});

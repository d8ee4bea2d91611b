import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import { readModel } from "../model/read_model.ts";
import { create } from "../proto/create.ts";
import { type ModelProto, type NodeProto, StringStringEntryProto } from "../proto/onnx_pb.ts";
import { makeModel, makeNode, normal, type Value } from "../_testing.ts";
import { exportNotes } from "./export_notes.ts";
import { exportedParameters } from "./exported_parameters.ts";

const float = (dims: readonly number[], value?: number): Value => ({
  ...(value === undefined
    ? normal(dims.length, dims)
    : { dims, data: new Array(dims.reduce((a, d) => a * d, 1)).fill(value) }),
  type: DataType.FLOAT,
});

/** A node as PyTorch's exporter marks it: of a submodule. */
function of(scope: string, node: NodeProto, rewritten = false): NodeProto {
  const note = (key: string, value: string) =>
    node.metadataProps.push(create(StringStringEntryProto, { key, value }));
  const path = scope === ""
    ? []
    : scope.split(".").map((_, k, all) => all.slice(0, k + 1).join("."));
  note("pkg.torch.onnx.name_scopes", `[${["", ...path, "op"].map((s) => `'${s}'`).join(", ")}]`);
  if (rewritten) note("pkg.onnxscript.rewriter.rule_name", "Fuse");
  return node;
}

/** A model with the signature that the exporter writes. */
function exported(
  nodes: readonly NodeProto[],
  initializers: Readonly<Record<string, Value>>,
  parameters: readonly string[],
  buffers: readonly string[] = [],
): ModelProto {
  const model = makeModel({
    nodes,
    inputs: { x: float([2, 4]) },
    initializers,
    outputs: ["y"],
  });
  const value = `\n# inputs\n${
    [
      ...parameters.map((name) => `p_${name.replaceAll(".", "_")}: PARAMETER target='${name}'`),
      ...buffers.map((name) => `b: BUFFER target='${name}' persistent=True`),
      "x: USER_INPUT",
    ].join("\n")
  }\n\n# outputs\ny: USER_OUTPUT\n`;
  model.graph!.metadataProps.push(create(StringStringEntryProto, {
    key: "pkg.torch.export.ExportedProgram.graph_signature",
    value,
  }));
  return model;
}

const fates = (model: ModelProto) =>
  Object.fromEntries(
    exportedParameters(model)!.parameters.map((p) => [p.name, [p.fate, ...p.in].join(" ")]),
  );
const loss = { type: "mse" } as const;

Deno.test("Buffers and constants are not trained, scalars that are parameters are", () => {
  const model = exported(
    [
      of("fc", makeNode("Gemm", ["x", "fc.weight", "fc.bias"], ["h"], { transB: 1 })),
      of("", makeNode("Mul", ["h", "logit_scale"], ["scaled"])),
      of("", makeNode("Mul", ["scaled", "inverse_root"], ["a"])),
      of("", makeNode("Add", ["a", "mask"], ["masked"])),
      of("", makeNode("Mul", ["masked", "scale"], ["y"])),
    ],
    {
      "fc.weight": float([3, 4]),
      "fc.bias": float([3]),
      logit_scale: float([], 2),
      inverse_root: float([1], 0.5),
      mask: float([2, 3]),
      scale: float([3]),
    },
    ["logit_scale", "fc.weight", "fc.bias"],
    ["mask", "scale"],
  );
  const found = exportedParameters(model)!;
  assert.deepEqual(found.trainable, ["fc.weight", "fc.bias", "logit_scale"]);
  assert.deepEqual(found.buffers, ["mask", "scale"]);
  assert.deepEqual(differentiate(model, { loss }).parameters, found.trainable);
  assert.deepEqual(exportNotes(found), []);
  // What is asked for is trained all the same.
  assert.deepEqual(differentiate(model, { loss, trainable: ["scale"] }).parameters, ["scale"]);
});

Deno.test("A transposed weight is trained and reported; a dropped bias cannot be", () => {
  const model = exported(
    [of("fc", makeNode("MatMul", ["x", "val_0"], ["y"]))],
    { val_0: float([4, 3]) },
    ["fc.weight", "fc.bias"],
  );
  assert.deepEqual(fates(model), { "fc.weight": "renamed val_0", "fc.bias": "dropped" });
  assert.deepEqual(differentiate(model, { loss }).parameters, ["val_0"]);
  const notes = exportNotes(exportedParameters(model));
  assert.match(notes[0]!, /under other names, perhaps transposed: "fc\.weight" \("val_0"\)$/);
  assert.match(notes[1]!, /dropped biases that were zero: "fc\.bias"$/);
  assert.match(notes[2]!, /optimize=False/);
  assert.throws(
    () => differentiate(model, { loss, trainable: ["fc.weight"] }),
    /Cannot train "fc\.weight".*no initializer.*\("val_0"\).*optimize=False/,
  );
});

Deno.test("A normalization that went into the weights before it is reported with these", () => {
  const model = exported(
    [of("bn", makeNode("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], { transB: 1 }), true)],
    { "fc.weight": float([3, 4]), "fc.bias": float([3]) },
    ["fc.weight", "fc.bias", "bn.weight", "bn.bias"],
    ["bn.running_mean", "bn.running_var"],
  );
  assert.deepEqual(fates(model), {
    "fc.weight": "folded fc.weight",
    "fc.bias": "folded fc.bias",
    "bn.weight": "folded fc.weight fc.bias",
    "bn.bias": "folded fc.weight fc.bias",
  });
  assert.deepEqual(differentiate(model, { loss }).parameters, ["fc.weight", "fc.bias"]);
});

Deno.test("Equal parameters that became one are reported where the exporter optimized", () => {
  const twice = (rewritten: boolean) =>
    exported(
      [
        of("a", makeNode("Mul", ["x", "a.weight"], ["h"]), rewritten),
        of("b", makeNode("Mul", ["h", "a.weight"], ["y"])),
      ],
      { "a.weight": float([4]) },
      ["a.weight", "b.weight"],
    );
  for (const rewritten of [true, false]) {
    assert.deepEqual(fates(twice(rewritten)), {
      "a.weight": "shared a.weight",
      "b.weight": "shared a.weight",
    });
    // Else the module ties them, as intended.
    const notes = exportNotes(exportedParameters(twice(rewritten)));
    assert.equal(notes.length, rewritten ? 2 : 0);
  }
});

Deno.test("GroupNorm's ones and zeros are no parameters, its reshaped weight is one", () => {
  const model = exported(
    [
      of("norm", makeNode("Reshape", ["x", "val_1"], ["g"])),
      of("norm", makeNode("InstanceNormalization", ["g", "val_2", "val_3"], ["h"])),
      of("norm", makeNode("Reshape", ["h", "val_6"], ["k"])),
      of("norm", makeNode("Mul", ["k", "val_4"], ["m"])),
      of("norm", makeNode("Add", ["m", "val_5"], ["y"])),
    ],
    {
      val_1: { dims: [3], data: [2, 2, 2], type: DataType.INT64 },
      val_2: float([2], 1),
      val_3: float([2], 0),
      // A fresh norm's own are uniform, too.
      val_4: float([1, 4], 1),
      val_5: float([1, 4], 0),
      val_6: { dims: [2], data: [2, 4], type: DataType.INT64 },
    },
    ["norm.weight", "norm.bias"],
  );
  assert.deepEqual(fates(model), { "norm.weight": "renamed val_4", "norm.bias": "renamed val_5" });
  assert.deepEqual(differentiate(model, { loss }).parameters, ["val_4", "val_5"]);
});

Deno.test("Weights that recurrent nodes hold together are found by layer and gate", () => {
  const layer = (k: number, from: string, to: string) =>
    of(
      "gru",
      makeNode("GRU", [from, `w${k}`, `r${k}`, `b${k}`, "", "h0"], [to], { hidden_size: 1 }),
    );
  const names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
  const model = exported(
    [
      of("gru", makeNode("Unsqueeze", ["x", "zero"], ["s"])),
      layer(0, "s", "t"),
      of("gru", makeNode("Squeeze", ["t", "one"], ["u"])),
      layer(1, "u", "y"),
    ],
    {
      zero: { dims: [1], data: [0], type: DataType.INT64 },
      one: { dims: [1], data: [1], type: DataType.INT64 },
      ...Object.fromEntries([0, 1].flatMap((k) => [
        [`w${k}`, float([1, 3, k === 0 ? 4 : 1])],
        [`r${k}`, float([1, 3, 1])],
        [`b${k}`, float([1, 6])],
      ])),
      h0: float([1, 2, 1], 0),
    },
    [0, 1].flatMap((k) => names.map((name) => `gru.${name}_l${k}`)),
  );
  assert.deepEqual(fates(model), {
    "gru.weight_ih_l0": "packed w0",
    "gru.weight_hh_l0": "packed r0",
    "gru.bias_ih_l0": "packed b0",
    "gru.bias_hh_l0": "packed b0",
    "gru.weight_ih_l1": "packed w1",
    "gru.weight_hh_l1": "packed r1",
    "gru.bias_ih_l1": "packed b1",
    "gru.bias_hh_l1": "packed b1",
  });
  // Not the initial state.
  assert.deepEqual(exportedParameters(model)!.trainable, ["w0", "r0", "b0", "w1", "r1", "b1"]);
});

Deno.test("Scalars of PyTorch's older exporter are parameters by their names", () => {
  const model = makeModel({
    nodes: [
      makeNode("Mul", ["x", "logit_scale"], ["h"]),
      makeNode("Mul", ["h", "onnx::Mul_3"], ["k"]),
      makeNode("Mul", ["k", "w"], ["y"]),
    ],
    inputs: { x: float([2, 4]) },
    initializers: { w: float([4]), logit_scale: float([], 2), "onnx::Mul_3": float([], 3) },
    outputs: ["y"],
  });
  assert.deepEqual(differentiate(model, { loss }).parameters, ["w"]);
  model.producerName = "pytorch";
  assert.equal(exportedParameters(model), undefined);
  assert.deepEqual(differentiate(model, { loss }).parameters, ["w", "logit_scale"]);
});

const FOLDER = fileURLToPath(
  new URL("../../../../shared/fixtures/torch-exports/", import.meta.url),
);
/** The fates by the words of the fixtures, which found them by comparing values. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  kept: ["own name"],
  renamed: ["other name", "transposed", "reshaped"],
  packed: ["packed"],
  shared: ["merged", "own name", "split"],
  split: ["split"],
  folded: ["folded", "other name"],
  dropped: ["absent"],
};

interface Fixture {
  readonly file?: string;
  readonly trainable: readonly string[];
  readonly parameters: Readonly<
    Record<string, { readonly as: string; readonly in: readonly string[] }>
  >;
}

Deno.test("Real exports: what is trained, and what became of each parameter", async (t) => {
  if (!existsSync(FOLDER)) return;
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
    const { files } = JSON.parse(readFileSync(join(FOLDER, file), "utf8"));
    for (const [variant, fixture] of Object.entries<Fixture>(files)) {
      if (fixture.file === undefined || variant === "legacy") continue;
      const { file } = fixture;
      await t.step(file, () => {
        const model = readModel(new Uint8Array(readFileSync(join(FOLDER, file))));
        const found = exportedParameters(model)!;
        assert.deepEqual([...found.trainable].sort(), [...fixture.trainable].sort());
        for (const { name, fate, in: where } of found.parameters) {
          const known = fixture.parameters[name];
          if (known === undefined) continue; // the second name of a tied one
          assert.ok(WORDS[fate]!.includes(known.as), `${name}: ${fate}, ${known.as}`);
          if (fate === "renamed" || fate === "packed" || fate === "kept") {
            assert.deepEqual(where, known.in, name);
          }
        }
      });
    }
  }
});

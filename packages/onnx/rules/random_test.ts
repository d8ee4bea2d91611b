import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { makeNode, runModel } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { summed } from "./_testing.ts";

Deno.test("Random numbers in the shape of a value are constants of its gradient", async () => {
  for (const op of ["RandomNormalLike", "RandomUniformLike"]) {
    const x = { dims: [2, 3], data: [1, 2, 3, 4, 5, 6] };
    // ∂ Σ x ⊙ ε / ∂x = ε, of the same draw: those of two nodes are not one.
    const nodes = [
      makeNode(op, ["x"], ["noise"]),
      makeNode(op, ["x"], ["other"]),
      makeNode("Mul", ["x", "noise"], ["scaled"]),
      makeNode("Add", ["scaled", "other"], ["y"]),
    ];
    const { model, gradients } = differentiate(summed(nodes, { inputs: { x } }), {
      output: "total",
      trainable: ["x"],
    });
    model.graph!.output.push(
      ...["noise", "other"].map((name) => ({ name, docString: "", metadataProps: [] })),
    );
    const found = await runModel(model, { x });
    assertAllClose(found[gradients.get("x")!]!.data, found["noise"]!.data, {}, op);
    assert.notDeepEqual(found["noise"]!.data, found["other"]!.data);
  }
});

import fc from "fast-check";
import assert from "node:assert/strict";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import {
  checkGradients,
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  type TestGraph,
} from "../_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";
import { type Dims, type Drawing, fed, type Step } from "./scenarios/drawing.ts";
import { indices } from "./scenarios/indices.ts";
import { moves } from "./scenarios/moves.ts";
import { values } from "./scenarios/values.ts";

const steps: readonly Step[] = [...values, ...moves, ...indices];

const natural = fc.nat(59);
const program = fc.record({
  shape: fc.constantFrom<Dims>([3], [2, 3], [3, 3], [1, 3], [2, 1, 3], [2, 3, 2]),
  choices: fc.array(
    fc.record({ kind: fc.nat(steps.length - 1), of: natural, with: natural, how: natural }),
    { minLength: 1, maxLength: 7 },
  ),
});

/** ONNX Runtime 1.30 makes `x sigmoid(x)` one QuickGelu, which has no kernel for double. */
function hasSilu(nodes: readonly NodeProto[]): boolean {
  const gates = new Map(
    nodes.filter((n) => n.opType === "Sigmoid").map((n) => [n.output[0]!, n.input[0]!]),
  );
  return nodes.some(({ opType, input: [a, b] }) =>
    opType === "Mul" && (gates.get(a!) === b || gates.get(b!) === a)
  );
}

/** The graph of a program; its outputs are the values that nothing reads. */
function draw({ shape, choices }: typeof program extends fc.Arbitrary<infer T> ? T : never) {
  const d: Drawing = { nodes: [], inputs: {}, initializers: {}, values: [] };
  const x = { name: fed(d, shape), dims: shape };
  d.values.push(x);
  for (const c of choices) {
    // Late values more often, for depth.
    const from = d.values.slice(-4);
    const chosen = from[c.of % from.length]!;
    if (chosen.dims.length > 4) continue;
    steps[c.kind]!(d, chosen, c);
  }
  const read = new Set(d.nodes.flatMap((n) => n.input));
  const outputs = d.values.map((v) => v.name).filter((n) => !read.has(n) && n !== x.name);
  return { ...d, outputs: hasSilu(d.nodes) ? [] : outputs };
}

const describe = (nodes: readonly NodeProto[]) =>
  nodes.map((n) => `${n.opType}(${n.input})`).join(" ");

const property = { seed: 20240601, numRuns: 400, endOnFailure: false };

Deno.test("Gradients and Hessian-vector products of random graphs are central differences", async () => {
  const seen = new Map<string, number>();
  let graphs = 0;
  await fc.assert(
    fc.asyncProperty(program, async (drawn) => {
      const { nodes, inputs, initializers, outputs } = draw(drawn);
      if (outputs.length === 0) return;
      for (const { opType } of nodes) seen.set(opType, (seen.get(opType) ?? 0) + 1);
      const test: GradientCase = {
        name: describe(nodes),
        nodes,
        inputs,
        initializers,
        outputs,
        // Deep products have large fifth derivatives, which enter with h⁴.
        tolerance: 2e-6,
      };
      await checkGradients(test);
      graphs++;
    }),
    property,
  );
  // So that a change of the drawing does not leave operators out unnoticed.
  assert.ok(graphs >= 200, `${graphs} graphs`);
  assert.ok(seen.size >= 50, `operators drawn: ${[...seen.keys()]}`);
});

/** Results of the same graph under the two ways of declaring its inputs. */
Deno.test("With symbols for sizes random graphs give the same or are refused by name", async () => {
  let [same, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(program, fc.nat(7), async (drawn, mask) => {
      const { nodes, inputs, initializers, outputs } = draw(drawn);
      if (outputs.length === 0) return;
      const output = outputs.at(-1)!;
      const graph: TestGraph = {
        nodes: [...nodes, makeNode("ReduceSumSquare", [output], ["l"], { keepdims: 0 })],
        inputs,
        initializers,
        outputs: ["l"],
      };
      // Each its own symbol: nothing tells that two sizes are equal.
      const symbols = Object.fromEntries(
        Object.entries(inputs).map(([name, { dims }]) => [
          name,
          dims.map((n, k) => ((mask + 1) >> k % 3) % 2 === 1 ? `${name}_${k}` : n),
        ]),
      );
      const trainable = Object.keys(inputs);
      const options = { output: "l", trainable, parameters: "constants" as const };
      const known = hessianVectorProduct(makeModel(graph), options);
      const v = Object.fromEntries(
        trainable.map((name, k) => [known.vectors.get(name)!, normal(k, inputs[name]!.dims)]),
      );
      const expected = await runModel(known.model, { ...inputs, ...v });
      let unknown: ReturnType<typeof hessianVectorProduct>;
      try {
        unknown = hessianVectorProduct(makeModel({ ...graph, symbols }), options);
      } catch (error) {
        assert.ok(error instanceof OnnxError, `${describe(nodes)}: ${error}`);
        refused++;
        return;
      }
      same++;
      const found = await runModel(unknown.model, { ...inputs, ...v });
      for (const name of trainable) {
        for (const names of ["gradients", "products"] as const) {
          const [a, b] = [unknown[names].get(name)!, known[names].get(name)!];
          const what = `${describe(nodes)}: ${names} of "${name}"`;
          assert.deepEqual([...found[a]!.dims], [...expected[b]!.dims], what);
          compare(found[a]!.data, expected[b]!.data, 2e-6, what);
        }
      }
    }),
    property,
  );
  assert.ok(refused < same / 10, `${refused} refused, ${same} the same`);
});

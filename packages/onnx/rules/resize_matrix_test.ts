import fc from "fast-check";
import assert from "node:assert/strict";
import { compare, makeModel, makeNode, normal, openModel, type Value } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";

const { FLOAT, INT64 } = DataType;

const COORDINATES = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
] as const;
const ROUNDING = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

interface Drawn {
  readonly mode: string;
  readonly coordinates: string;
  readonly rounding: string;
  /** Leading axes that are not resized. */
  readonly lead: readonly number[];
  readonly spatial: readonly {
    readonly from: number;
    readonly to: number;
    readonly scale: number;
  }[];
  readonly bySizes: boolean;
  readonly axes: boolean;
  readonly symbols: boolean;
  readonly antialias: boolean;
  readonly excluded: boolean;
  readonly region: readonly number[];
}

const size = fc.integer({ min: 1, max: 6 });
const drawn: fc.Arbitrary<Drawn> = fc.record({
  mode: fc.constantFrom("nearest", "nearest", "linear", "linear", "cubic"),
  coordinates: fc.constantFrom(...COORDINATES),
  rounding: fc.constantFrom(...ROUNDING),
  lead: fc.constantFrom([], [1, 1], [2, 1], [1, 2]),
  spatial: fc.array(
    fc.record({
      from: size,
      to: fc.integer({ min: 1, max: 9 }),
      // Also such as hit the rounding of positions.
      scale: fc.constantFrom(0.3, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.7, 2, 2.5, 3, 5),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  bySizes: fc.boolean(),
  axes: fc.boolean(),
  symbols: fc.boolean(),
  antialias: fc.boolean(),
  excluded: fc.boolean(),
  region: fc.array(fc.constantFrom(-0.25, 0, 0.1, 0.4), { minLength: 3, maxLength: 3 }),
}).filter(({ mode, lead, spatial }) =>
  // What onnxruntime-node has kernels for.
  mode === "nearest" || (mode === "cubic" ? spatial.length === 2 : lead.length + spatial.length > 1)
);

const product = (dims: readonly number[]) => dims.reduce((a, d) => a * d, 1);
const floats = (data: readonly number[]): Value => ({ dims: [data.length], data, type: FLOAT });

/** `y = Resize(x)` and `loss = ⟨y, dy⟩`, whose gradient is `Wᵀ dy`. */
function modelsOf(d: Drawn) {
  const dims = [...d.lead, ...d.spatial.map(({ from }) => from)];
  const all = [
    ...d.lead.map((from) => ({ from, to: from, scale: 1 })),
    ...d.spatial,
  ];
  // Listed backwards, so that the order matters.
  const axes = d.axes ? d.spatial.map((_, k) => d.lead.length + k).reverse() : undefined;
  const listed = axes === undefined ? all : axes.map((k) => all[k]!);
  const crops = d.coordinates === "tf_crop_and_resize";
  const begins = listed.map((_, k) => d.region[k % 3]!);
  const initializers: Record<string, Value> = {
    ...(crops ? { region: floats([...begins, ...begins.map((v, k) => 0.7 + v + 0.1 * k)]) } : {}),
    ...(d.bySizes
      ? { sizes: { dims: [listed.length], data: listed.map(({ to }) => to), type: INT64 } }
      : { scales: floats(listed.map(({ scale }) => scale)) }),
  };
  const attributes: Record<string, AttributeValue> = {
    mode: d.mode,
    coordinate_transformation_mode: d.coordinates,
    ...(d.mode === "nearest" ? { nearest_mode: d.rounding } : {}),
    ...(d.mode !== "nearest" && d.antialias && !crops ? { antialias: 1 } : {}),
    ...(d.mode === "cubic" && d.excluded ? { exclude_outside: 1 } : {}),
    ...(crops ? { extrapolation_value: float(0) } : {}),
    ...(axes === undefined ? {} : { axes }),
  };
  const named = (name: string) => name in initializers ? name : "";
  const resize = makeNode(
    "Resize",
    ["x", named("region"), named("scales"), ...(d.bySizes ? ["sizes"] : [])],
    ["y"],
    attributes,
  );
  const x: Value = { dims, data: [], type: FLOAT };
  const symbols = d.symbols ? { symbols: { x: dims.map((_, k) => `d${k}`) } } : {};
  const forward = makeModel({
    nodes: [resize],
    inputs: { x },
    initializers,
    outputs: ["y"],
    ...symbols,
  });
  const weighted = (shape: readonly number[]) =>
    makeModel({
      nodes: [
        resize,
        makeNode("Mul", ["y", "dy"], ["weighted"]),
        makeNode("ReduceSum", ["weighted"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x, dy: { dims: shape, data: [], type: FLOAT } },
      initializers,
      outputs: ["loss"],
      ...symbols,
    });
  return { dims, forward, weighted };
}

/** The rows of `Wᵀ`: what each unit vector becomes; undefined for what the runtime refuses. */
async function columnsOf({ dims, forward }: ReturnType<typeof modelsOf>) {
  const count = product(dims);
  let session: Awaited<ReturnType<typeof openModel>>;
  try {
    session = await openModel(forward);
  } catch {
    return undefined;
  }
  try {
    const columns: number[][] = [];
    let shape: readonly number[] = [];
    for (let i = 0; i < count; i++) {
      const data = Array.from({ length: count }, (_, k) => k === i ? 1 : 0);
      const { y } = await session.run({ x: { dims, data, type: FLOAT } });
      columns.push(y!.data);
      shape = y!.dims;
    }
    return { columns, shape };
  } catch {
    return undefined;
  } finally {
    await session.release();
  }
}

Deno.test("The gradient of Resize is its transposed matrix, in every mode and at every size", async () => {
  const checked = new Map<string, number>();
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async (d) => {
      const models = modelsOf(d);
      const found = await columnsOf(models);
      // A size may be scaled to 0.
      if (found === undefined || product(found.shape) === 0) {
        refused++;
        return;
      }
      const { columns, shape } = found;
      const dy = normal(5, shape);
      const { model } = differentiate(models.weighted(shape), {
        output: "loss",
        trainable: ["x"],
      });
      const gradient = await openModel(model);
      try {
        const x = { ...normal(6, models.dims), type: FLOAT };
        const result = await gradient.run({ x, dy: { ...dy, type: FLOAT } });
        const expected = columns.map((w) => w.reduce((sum, v, k) => sum + v * dy.data[k]!, 0));
        // Sums of some dozens of numbers of 24 bits.
        compare(result["x_grad"]!.data, expected, 2e-6, JSON.stringify(d));
      } finally {
        await gradient.release();
      }
      const kind = `${d.mode} of ${d.lead.length} + ${d.spatial.length} axes`;
      checked.set(kind, (checked.get(kind) ?? 0) + 1);
    }),
    { seed: 20240602, numRuns: 300, endOnFailure: false },
  );
  const total = [...checked.values()].reduce((a, b) => a + b, 0);
  assert.ok(total >= 200, `${total} compared, ${refused} refused by the runtime`);
  // So that a change of the drawing does not leave kernels out unnoticed.
  assert.equal(checked.size, 13, `drawn: ${[...checked.keys()]}`);
});

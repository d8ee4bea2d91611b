import type { AttributeValue } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../../_testing.ts";
import { gradientOf } from "../_testing.ts";

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });

/** Squares of what one node gives, by ONNX Runtime's kernel. */
const squares = (
  name: string,
  opType: string,
  inputs: Readonly<Record<string, Value>>,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `${opType} ${name}`,
  nodes: [
    makeNode(
      opType,
      [...Object.keys(inputs), ...Object.keys(more.initializers ?? {})],
      ["z"],
      attributes,
    ),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs,
  opset: 20,
  precision: "float",
  secondOrder: false,
  ...more,
});

const image = normal(1, [2, 2, 4, 5]);
/** Places within and beyond the image, none of them near a kink. */
const grid = normal(2, [2, 3, 2, 2], (x) => 0.9 * x + 0.013);

const sampled = ["linear", "nearest", "cubic"].flatMap((mode) =>
  ["zeros", "border", "reflection"].flatMap((padding_mode) =>
    [0, 1].map((align_corners) =>
      squares(
        `${mode}, ${padding_mode}, ${align_corners === 1 ? "corners aligned" : "edges aligned"}`,
        "GridSample",
        { x: image, grid },
        { mode, padding_mode, align_corners },
        // A short step: of places near an element the kernel has a kink.
        { step: 2e-3, tolerance: 2e-2 },
      )
    )
  )
);

const cases: readonly GradientCase[] = [
  ...sampled,
  squares("of unknown sizes", "GridSample", { x: image, grid }, {}, {
    step: 2e-3,
    tolerance: 2e-2,
    symbols: { x: ["N", 2, "H", "W"], grid: ["N", "P", "Q", 2] },
  }),
  squares(
    "in space",
    "GridSample",
    {
      x: normal(1, [1, 2, 3, 4, 3]),
      grid: normal(2, [1, 2, 2, 2, 3], (x) => 0.5 * x + 0.011),
    },
    {},
    { step: 2e-3, tolerance: 2e-2 },
  ),
  squares("in the plane", "AffineGrid", { theta: normal(1, [2, 2, 3]) }, {}, {
    initializers: { size: ints(2, 1, 3, 4) },
  }),
  squares("in the plane, corners aligned", "AffineGrid", { theta: normal(1, [2, 2, 3]) }, {
    align_corners: 1,
  }, { initializers: { size: ints(2, 1, 3, 4) } }),
  squares("in space", "AffineGrid", { theta: normal(1, [1, 3, 4]) }, {}, {
    initializers: { size: ints(1, 1, 2, 3, 4) },
  }),
  squares("of blocks that overlap", "Col2Im", { x: normal(1, [2, 8, 6]) }, {}, {
    initializers: { image: ints(3, 4), block: ints(2, 2) },
  }),
  squares("with pads, strides and dilations", "Col2Im", { x: normal(1, [1, 4, 9]) }, {
    pads: [1, 1, 1, 1],
    strides: [2, 2],
    dilations: [2, 2],
  }, { initializers: { image: ints(6, 6), block: ints(2, 2) } }),
  squares("that crops and pads", "CenterCropPad", { x: normal(1, [5, 3, 4]) }, {}, {
    initializers: { shape: ints(2, 6, 4) },
  }),
  squares("of some axes", "CenterCropPad", { x: normal(1, [5, 3, 4]) }, { axes: [-1, 0] }, {
    initializers: { shape: ints(7, 3) },
  }),
];

testGradients(
  "Operators on images have the gradient that central differences of the kernels give",
  cases,
);

Deno.test("CumProd has the gradient of its products, zeros included", async (t) => {
  // Σ_j r_j Π_{i in j} x_i, derived by leaving out each factor.
  const x = { dims: [4], data: [2, 0, -3, 0.5] };
  const r = [1, -2, 0.5, 3];
  for (const [exclusive, reverse] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
    await t.step(`exclusive ${exclusive}, reverse ${reverse}`, async () => {
      const within = (i: number, j: number) =>
        reverse === 0 ? i < j + 1 - exclusive : i > j - 1 + exclusive;
      const expected = x.data.map((_, k) =>
        r.reduce((sum, weight, j) => {
          if (!within(k, j)) return sum;
          return sum + weight * x.data.reduce((p, v, i) => i !== k && within(i, j) ? p * v : p, 1);
        }, 0)
      );
      const nodes = [
        makeNode("CumProd", ["x", "axis"], ["z"], { exclusive, reverse }),
        makeNode("Mul", ["z", "r"], ["y"]),
      ];
      const initializers = {
        axis: { dims: [], data: [0], type: DataType.INT64 },
        r: { dims: [4], data: r },
      };
      // The operator is of set 26, which the kernels are not asked for.
      const found = await gradientOf(nodes, { x }, { initializers });
      compare(found["x"]!, expected, 1e-12, "x");
    });
  }
});

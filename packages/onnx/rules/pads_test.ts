import { type GradientCase, makeNode, normal, testGradients } from "../_testing.ts";
import { float } from "../model/attributes.ts";

const ints = (...data: number[]) => ({ dims: [data.length], data, type: 7 });

interface Border {
  readonly pads: number[];
  readonly mode?: string;
  readonly axes?: number[];
  /** Also pads by a value that is trained. */
  readonly value?: boolean;
}

const pad = (
  name: string,
  { pads, mode = "constant", axes, value = false }: Border,
  more: Partial<GradientCase> & { fed?: boolean } = {},
): GradientCase => {
  const { fed = false, ...rest } = more;
  const given = { pads: ints(...pads), ...(axes === undefined ? {} : { axes: ints(...axes) }) };
  return {
    name,
    nodes: [
      makeNode(
        "Pad",
        ["x", "pads", ...(value || axes ? [value ? "v" : ""] : []), ...(axes ? ["axes"] : [])],
        ["z"],
        {
          mode,
        },
      ),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    ...rest,
    inputs: {
      x: normal(1, [2, 4, 3]),
      ...(value ? { v: normal(2, []) } : {}),
      ...rest.inputs,
      ...(fed ? given : {}),
    },
    ...(fed ? {} : { initializers: given }),
  };
};

const named = { symbols: { x: ["N", "T", "D"] } };
const modes: readonly [string, number[]][] = [
  ["constant", [0, 2, 1, 1, 0, 3]],
  ["reflect", [0, 2, 1, 0, 3, 2]],
  ["edge", [0, 2, 1, 1, 3, 0]],
];

const cases: readonly GradientCase[] = [
  ...modes.map(([mode, pads]) => pad(`Pad, mode ${mode}`, { pads, mode })),
  ...modes.map(([mode, pads]) => pad(`Pad of unknown sizes, mode ${mode}`, { pads, mode }, named)),
  ...modes.map(([mode, pads]) =>
    pad(`Pad by a fed border, mode ${mode}`, { pads, mode }, { fed: true })
  ),
  pad("Pad, mode wrap", { pads: [0, 2, 1, 1, 3, 0], mode: "wrap" }, { opset: 19 }),
  pad("Pad by nothing", { pads: [0, 0, 0, 0, 0, 0] }),
  pad("Pad with a trained value", { pads: [0, 2, 1, 1, 0, 3], value: true }),
  pad(
    "Pad with a trained value and unknown sizes",
    { pads: [0, 2, 1, 1, 0, 3], value: true },
    named,
  ),
  pad("Pad with a trained value alone", { pads: [0, 2, 1, 1, 0, 3], value: true }, {
    fixed: ["x"],
  }),
  pad("Pad that takes away", { pads: [0, -1, 1, 1, 0, -2], value: true }),
  pad("Pad that takes away, by a fed border", { pads: [0, -1, 1, 1, 0, -1], value: true }, {
    fed: true,
  }),
  pad("Pad of chosen axes", { pads: [1, 0, 2, 3], axes: [-1, 0] }),
  pad("Pad of chosen axes, mode reflect", { pads: [1, 0, 2, 3], axes: [2, 1], mode: "reflect" }),
  pad("Pad of chosen axes, fed", { pads: [1, 0, 2, 3], axes: [2, 1] }, { fed: true }),
  pad("Pad of opset 11", { pads: [0, 2, 1, 1, 0, 3], value: true }, { opset: 11 }),
  ...["constant", "edge"].map((mode): GradientCase => ({
    // A value other than 0 in a mode that does not use it is ignored.
    ...pad(`Pad of opset 7, mode ${mode}`, { pads: [] }),
    nodes: [
      makeNode("Pad", ["x"], ["z"], { mode, pads: [0, 2, 1, 1, 0, 3], value: float(1.5) }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    initializers: {},
    opset: 7,
  })),
];

testGradients("Pad has the gradient that central differences give", cases);

/** @module */
import type { Sides } from "../basis/sides.ts";
import { layout } from "../driver/backend.ts";
import type { Chain } from "./chain.ts";

/** An array that a chain keeps for one parameter. */
export interface StateSlot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: number;
}

/** The averages of g gᵀ and gᵀ g, and their eigenvectors as columns; only of sides that rotate. */
export const basisSlots = {
  left: { gram: "basis.left", vectors: "basis.leftVectors" },
  right: { gram: "basis.right", vectors: "basis.rightVectors" },
} as const;

/** The slots of a chain that turn with its basis. */
export function turningSlots({ stages }: Pick<Chain, "stages">): string[] {
  return stages.flatMap(({ name, transform, inside }) =>
    inside
      ? Object.entries(transform.slots).flatMap(([key, { turns }]) =>
        turns ? [`${name}.${key}`] : []
      )
      : []
  );
}

/** Every array that a chain keeps for a parameter of this shape, those of its basis last. */
export function slotsOf(
  chain: Pick<Chain, "slots">,
  shape: readonly number[],
  sides?: Sides,
): StateSlot[] {
  const shapes = { element: shape, row: [layout(shape).rows], tensor: [] };
  const square = (side: "left" | "right", n: number): StateSlot[] =>
    sides?.[side]
      ? Object.values(basisSlots[side]).map((name) => ({ name, shape: [n, n], fill: 0 }))
      : [];
  return [
    ...chain.slots.map(({ name, shape, fill }) => ({ name, shape: shapes[shape], fill })),
    ...square("left", sides?.rows ?? 0),
    ...square("right", sides?.columns ?? 0),
  ];
}

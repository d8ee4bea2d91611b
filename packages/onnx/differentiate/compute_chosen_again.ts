/** @module */
import { cheapSegments } from "./cheap_segments.ts";
import { checkpointSegments, type Pass, type Recompute } from "./checkpoints.ts";
import { computeAgain, type Segment } from "./recompute.ts";

/**
 * Lets the backward pass compute again what the options want.
 *
 * @param isGiven Whether a value is there from the beginning: a parameter, a constant.
 */
export function computeChosenAgain(
  pass: Pass,
  recompute: Recompute | undefined,
  isGiven: (name: string) => boolean,
): void {
  computeAgain(pass.b, {
    forward: new Set(pass.forward),
    segments: segmentsOf(pass, recompute),
    isGiven,
  });
}

function segmentsOf(pass: Pass, recompute: Recompute | undefined): Segment[] {
  if (recompute === false) return [];
  const { b, forward, cotangents } = pass;
  const large = recompute === undefined ? [] : checkpointSegments(pass, recompute);
  const inLarge = new Set(large.flatMap(({ nodes }) => nodes));
  const small = cheapSegments(b, forward, cotangents)
    .filter(({ nodes }) => !nodes.some((node) => inLarge.has(node)));
  return [...large, ...small];
}

export { checkRecompute } from "./checkpoints.ts";

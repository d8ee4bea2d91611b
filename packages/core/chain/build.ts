/**
 * The programs of a chain: one where all its stages run in the layer's own coordinates, three where a
 * basis divides them.
 *
 * @module
 */
import {
  type ArrayShape,
  type Cond,
  type Expr,
  gt,
  neg,
  or,
  read,
  scalar,
  select,
  sub,
  sum,
} from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import { type Clips, mergeClipping } from "./clipping.ts";
import type { Clipping, RuleInputs, SlotSpec, StepInfo, Transform } from "./types.ts";

/** A transform with the name that tells it from others of its kind in the chain. */
export interface Stage {
  readonly name: string;
  readonly transform: Transform;
  /** Whether it works in the chain's basis. */
  readonly inside: boolean;
}

/** Which optional evidence a step brings. */
export type Fresh = StepInfo["fresh"];

/** The name under which programs read and write the parameter itself. */
export const weightsName = "weights";
/** The name under which programs write what is to be added to the parameter. */
export const updateName = "update";
/** What a step writes: the new weights, or what the host is to add to them. */
export type Writes = typeof weightsName | typeof updateName;
/** What flows from one program of a divided chain to the next. */
export const flowName = "basis.x";
/** 1 where the step of a tensor is held, else 0; written by the program before the basis. */
export const heldName = "basis.held";

/** A program and what it clips. */
export interface Programs {
  readonly step: Program;
  readonly clips: Clips;
}

/** The programs of a chain that a basis divides, in the order in which they run. */
export interface DividedPrograms {
  /** Absent if nothing stands before the basis. Writes {@linkcode flowName}. */
  readonly before?: Programs;
  /** {@linkcode flowName} as a copy of the gradient, for tensors that no side of is rotated. */
  readonly copy: Programs;
  readonly inside: Programs;
  readonly after: Programs;
  /** Whether `before` writes {@linkcode heldName}. */
  readonly holds: boolean;
  /** Whether a sum runs over all tensors of a step, so that all must take the same programs. */
  readonly sumsOverAll: boolean;
}

/** A slot's declaration, complete. */
export function specOf(
  name: string,
  spec: SlotSpec,
): { name: string; shape: ArrayShape; fill: number; turns: boolean } {
  return {
    name,
    shape: spec.shape ?? "element",
    fill: spec.fill ?? 0,
    turns: spec.turns ?? false,
  };
}

interface SlotValue {
  readonly name: string;
  readonly shape: ArrayShape;
  readonly old: Expr;
  readonly value: Expr;
  readonly held: Expr;
}

/** What stages make of what flows into them. */
interface Flow {
  readonly x: Expr;
  readonly squares: Expr | undefined;
  readonly hold: Cond | undefined;
  readonly clipped: Clipping;
  readonly slots: readonly SlotValue[];
}

/** Whether a condition may hold one tensor and not another. */
function differs(condition: Expr | Cond): boolean {
  if (condition.op === "sum") return condition.scope !== "all";
  return "args" in condition && condition.args.some(differs);
}

function flowThrough(
  stages: readonly Stage[],
  fresh: Fresh,
  entry: { readonly x: Expr; readonly squares: Expr | undefined; readonly left?: Cond | undefined },
): Flow {
  const rawSquares = fresh.gradientSquares ? read("gradientSquares") : undefined;
  let { x, squares } = entry;
  let inBasis: Expr | undefined;
  let hold: Cond | undefined;
  let clipped: Clipping = {};
  /** Which tensors sums over all leave out: a NaN in one of them must not stop the others. */
  let { left } = entry;
  const slots: SlotValue[] = [];
  for (const { name, transform, inside } of stages) {
    const without = left;
    const full = (key: string) => `${name}.${key}`;
    const old = (key: string) => {
      const spec = transform.slots[key];
      if (!spec) throw new TypeError(`Cannot build "${name}": it has no slot "${key}"`);
      return read(full(key), spec.shape ?? "element");
    };
    inBasis = inside ? inBasis ?? x : undefined;
    const inputs: RuleInputs = {
      x,
      gradient: inBasis ?? read("gradient"),
      weights: read(weightsName),
      ...(squares ? { gradientSquares: squares } : {}),
      ...(rawSquares ? { rawGradientSquares: rawSquares } : {}),
      ...(fresh.curvature ? { curvature: read("curvature") } : {}),
      slot: old,
      scalar: (key) => scalar(full(key)),
      sum: (a, scope) => sum(without && scope === "all" ? select(without, 0, a) : a, scope),
    };
    const result = transform.apply(inputs);
    if (!result?.slots || result.update === undefined) {
      throw new TypeError(`Cannot build "${name}": it returns no { update, slots }`);
    }
    for (const key of Object.keys(result.slots)) old(key);
    for (const [key, spec] of Object.entries(transform.slots)) {
      slots.push({
        ...specOf(full(key), spec),
        old: old(key),
        value: result.slots[key] ?? old(key),
        held: result.heldSlots?.[key] ?? old(key),
      });
    }
    if (result.hold) {
      hold = hold ? or(hold, result.hold) : result.hold;
      if (differs(result.hold)) left = left ? or(left, result.hold) : result.hold;
    }
    clipped = mergeClipping(clipped, result.clipped);
    x = result.update;
    squares = result.gradientSquares;
  }
  return { x, squares, hold, clipped, slots };
}

function compile(
  { clipped, slots }: Flow,
  hold: Cond | undefined,
  outputs: readonly { readonly name: string; readonly shape: ArrayShape; readonly value: Expr }[],
): Programs {
  const gate = (value: Expr, held: Expr) =>
    hold === undefined || value === held ? value : select(hold, held, value);
  const step = compileProgram({
    outputs: [
      ...outputs,
      ...slots.map(({ name, shape, old, value, held }) => ({
        name,
        shape,
        value: value === old && held === old ? old : gate(value, held),
      })),
    ],
    ...(hold ? { hold } : {}),
  });
  return { step, clips: { clipped, hold } };
}

const rawSquaresOf = (fresh: Fresh) => fresh.gradientSquares ? read("gradientSquares") : undefined;

function updated(x: Expr, hold: Cond | undefined, writes: Writes) {
  if (writes === updateName) {
    const value = neg(x); // w + (−x) rounds as w − x does
    return {
      name: updateName,
      shape: "element" as const,
      value: hold === undefined ? value : select(hold, 0, value),
    };
  }
  const weights = read(weightsName);
  const value = sub(weights, x);
  return {
    name: weightsName,
    shape: "element" as const,
    value: hold === undefined ? value : select(hold, weights, value),
  };
}

/** All stages in one program: where no side of a tensor is rotated. */
export function buildFused(stages: readonly Stage[], fresh: Fresh, writes: Writes): Programs {
  const flow = flowThrough(stages, fresh, { x: read("gradient"), squares: rawSquaresOf(fresh) });
  return compile(flow, flow.hold, [updated(flow.x, flow.hold, writes)]);
}

/** The stages before, inside and after the basis. */
export function buildDivided(
  stages: readonly Stage[],
  fresh: Fresh,
  writes: Writes,
): DividedPrograms {
  const first = stages.findIndex((s) => s.inside);
  const last = stages.findLastIndex((s) => s.inside);
  const gradient = read("gradient");
  const before = flowThrough(stages.slice(0, first), fresh, {
    x: gradient,
    squares: rawSquaresOf(fresh),
  });
  const held = before.hold ? gt(read(heldName, "tensor"), 0) : undefined;
  const left = before.hold && differs(before.hold) ? held : undefined;
  const passed = { x: read(flowName), squares: undefined, left };
  const inside = flowThrough(stages.slice(first, last + 1), fresh, passed);
  const after = flowThrough(stages.slice(last + 1), fresh, passed);
  for (const { hold, slots } of [inside, after]) {
    if (hold) {
      throw new TypeError(
        `Cannot chain: what holds steps belongs before inBasis(), its slots are ${
          slots.map(({ name }) => name).join(", ") || "none"
        }`,
      );
    }
  }
  const flowOut = (value: Expr) => ({ name: flowName, shape: "element" as const, value });
  const flag = before.hold
    ? [{ name: heldName, shape: "tensor" as const, value: select(before.hold, 1, 0) }]
    : [];
  const nothingBefore = first === 0;
  const programs = {
    ...(nothingBefore
      ? {}
      : { before: compile(before, before.hold, [flowOut(before.x), ...flag]) }),
    copy: compile({ ...before, slots: [], clipped: {} }, undefined, [flowOut(gradient)]),
    inside: compile(inside, held, [flowOut(inside.x)]),
    after: compile(after, held, [updated(after.x, held, writes)]),
  };
  if (programs.inside.step.inputs.some(({ name }) => name === weightsName)) {
    throw new TypeError(
      `Cannot chain: ${
        stages.filter((s) => s.inside).map(({ name }) => `"${name}"`).join(" or ")
      } needs the weights, which are in the layer's own coordinates; put it after inBasis()`,
    );
  }
  return {
    ...programs,
    holds: before.hold !== undefined,
    sumsOverAll: [programs.before, programs.inside, programs.after].some((p) =>
      p?.step.sums.some(({ scope }) => scope === "all") ?? false
    ),
  };
}

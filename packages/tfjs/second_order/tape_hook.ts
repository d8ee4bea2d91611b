/** @module */
import { type TapeEngine, tapeEngine, type TapeNode } from "./_tape.ts";
import { customObjection, kernelObjection } from "./verified.ts";

/**
 * Changes how tfjs records operations, until the returned function is called.
 *
 * 1. An operation is put before the copies that it saved of its outputs. tfjs puts it after them,
 *    and as it follows the tape in order, it never sees that they depend on the input: the reason
 *    why tanh, sigmoid, exp, softmax, … lose a term of the second derivative.
 * 2. A backward pass that is itself recorded stops at any operation not verified in second order.
 */
export function hookTape(): () => void {
  const engine = tapeEngine();
  const { addTapeNode, clone } = engine;
  if (typeof addTapeNode !== "function" || typeof clone !== "function") {
    throw new TypeError(
      "Cannot enable second order: this version of TensorFlow.js records its tape differently",
    );
  }
  const copies = new WeakSet<TapeNode>();
  let active = true, copying = 0;
  const hookedClone: TapeEngine["clone"] = function (x) {
    copying++;
    try {
      return clone.call(engine, x);
    } finally {
      copying--;
    }
  };
  const hookedAdd: TapeEngine["addTapeNode"] = function (...node) {
    addTapeNode.apply(engine, node);
    if (!active) return;
    const [kernelName, inputs, , gradientFunction, , attrs = {}] = node;
    const tape = engine.state.activeTape!;
    const added = tape[tape.length - 1]!;
    if (copying > 0) {
      copies.add(added);
      return;
    }
    moveBeforeCopies(tape, copies);
    guard(
      added,
      engine,
      () =>
        gradientFunction
          ? customObjection(kernelName)
          : kernelObjection(kernelName, { inputs, attrs }),
    );
  };
  engine.addTapeNode = hookedAdd;
  engine.clone = hookedClone;
  return () => {
    active = false;
    // Where somebody hooked in after us, theirs stays and ours only passes on.
    if (engine.addTapeNode === hookedAdd) unhook(engine, "addTapeNode", addTapeNode);
    if (engine.clone === hookedClone) unhook(engine, "clone", clone);
  };
}

function moveBeforeCopies(tape: TapeNode[], copies: WeakSet<TapeNode>): void {
  const last = tape.length - 1, added = tape[last]!;
  let to = last;
  for (let i = last - 1; i >= 0 && copies.has(tape[i]!); i--) {
    if (added.outputs.includes(tape[i]!.inputs.x!)) to = i;
  }
  if (to < last) tape.splice(to, 0, tape.pop()!);
}

function guard(node: TapeNode, { state }: TapeEngine, objection: () => string | undefined): void {
  const { gradient } = node;
  if (!gradient) return; // tfjs refuses these by itself
  node.gradient = (dys) => {
    const reason = state.gradientDepth > 0 ? objection() : undefined;
    if (reason) {
      const name = node.kernelName.replace(/__op$/, "");
      throw new TypeError(`Cannot take second derivatives through ${name}: ${reason}`);
    }
    return gradient(dys);
  };
}

function unhook<K extends "addTapeNode" | "clone">(
  engine: TapeEngine,
  key: K,
  original: TapeEngine[K],
): void {
  delete (engine as Partial<TapeEngine>)[key];
  // The class has it, unless somebody had hooked in before us.
  if (engine[key] !== original) engine[key] = original;
}

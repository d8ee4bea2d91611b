/**
 * From expressions to a program: equal subtrees shared, passes and loop levels found.
 *
 * @module
 */
import type { ArrayShape, Cond, Expr, Scope } from "./expr.ts";

/** How often a value changes: once a step and tensor, once a row, or with every element. */
export type Rate = "tensor" | "row" | "element";

/** One operation of a program; `args` are indices of earlier nodes. */
export interface Node {
  readonly op: Expr["op"] | Cond["op"];
  readonly args: readonly number[];
  readonly rate: Rate;
  /** A truth value instead of a number. */
  readonly boolean: boolean;
  /** Number of reductions that must be complete before this value can be computed. */
  readonly level: number;
  /** For "const". */
  readonly value?: number;
  /** For "scalar": index into {@linkcode Program.scalars}. For "read": into `inputs`. For "sum": into `sums`. */
  readonly index?: number;
}

/** An array that a program reads or writes. */
export interface ArrayRef {
  readonly name: string;
  readonly shape: ArrayShape;
}

/** A value written at the end of the last pass. */
export interface Output extends ArrayRef {
  readonly node: number;
}

/** A reduction: the sum of node `node` over the scope. */
export interface Reduction {
  readonly node: number;
  readonly scope: Scope;
}

/** One sweep over the tensor: either reductions, or (the last one) the outputs. */
export interface Pass {
  /** Nodes to compute once a tensor, once a row, and once an element, in order. */
  readonly tensor: readonly number[];
  readonly row: readonly number[];
  readonly element: readonly number[];
  /** Indices into {@linkcode Program.sums} that this pass completes. */
  readonly sums: readonly number[];
  /** Indices into {@linkcode Program.outputs} that this pass writes. */
  readonly outputs: readonly number[];
}

/** A compiled chain: what every lowering translates. */
export interface Program {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ArrayRef[];
  readonly outputs: readonly Output[];
  readonly scalars: readonly string[];
  readonly sums: readonly Reduction[];
  readonly passes: readonly Pass[];
  /** Node that is true when the step is to be held; outputs already take it into account. */
  readonly hold?: number;
  /** Whether rows matter; if not, a lowering may see the tensor as one row. */
  readonly usesRows: boolean;
}

const rates: readonly Rate[] = ["tensor", "row", "element"];
const slowest = (nodes: readonly Node[]): Rate =>
  rates[Math.max(0, ...nodes.map((n) => rates.indexOf(n.rate)))]!;

/** What {@linkcode compileProgram} is given. */
export interface ProgramSource {
  /** New value of each array, in order. */
  readonly outputs: readonly (ArrayRef & { readonly value: Expr })[];
  /** When this is true (it must not vary within a tensor), nothing but counters may change. */
  readonly hold?: Cond;
}

/**
 * Compiles expressions into one fused program.
 *
 * A program has one pass more than its deepest nesting of `sum`; each pass recomputes from the
 * arrays what it needs, so that no intermediate array exists.
 *
 * @throws {TypeError} If a row- or tensor-shaped output varies within its row or tensor.
 */
export function compileProgram(source: ProgramSource): Program {
  const nodes: Node[] = [];
  const inputs: ArrayRef[] = [];
  const scalars: string[] = [];
  const sums: Reduction[] = [];
  const byKey = new Map<string, number>();
  const byTree = new Map<Expr | Cond, number>();

  const indexOf = <T>(list: T[], item: T, same: (a: T) => boolean): number => {
    const found = list.findIndex(same);
    return found >= 0 ? found : list.push(item) - 1;
  };

  const visit = (tree: Expr | Cond): number => {
    const known = byTree.get(tree);
    if (known !== undefined) return known;
    const args = "args" in tree ? tree.args.map(visit) : [];
    const from = args.map((a) => nodes[a]!);
    let rate = slowest(from);
    let level = Math.max(0, ...from.map((n) => n.level));
    let extra: { value?: number; index?: number } = {};
    let boolean = false;
    switch (tree.op) {
      case "const":
        extra = { value: tree.value };
        break;
      case "scalar":
        extra = { index: indexOf(scalars, tree.name, (s) => s === tree.name) };
        break;
      case "read":
        rate = tree.shape;
        extra = {
          index: indexOf(
            inputs,
            { name: tree.name, shape: tree.shape },
            (a) => a.name === tree.name,
          ),
        };
        break;
      case "sum": {
        const node = args[0]!;
        rate = tree.scope === "row" ? "row" : "tensor";
        level += 1;
        extra = {
          index: indexOf(
            sums,
            { node, scope: tree.scope },
            (s) => s.node === node && s.scope === tree.scope,
          ),
        };
        break;
      }
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "isFinite":
      case "and":
      case "or":
      case "not":
        boolean = true;
    }
    // Object.is tells −0 from 0, a template string does not.
    const value = Object.is(extra.value, -0) ? "-0" : extra.value;
    const key = `${tree.op}(${args.join()})${value ?? ""}#${extra.index ?? ""}`;
    let id = byKey.get(key);
    if (id === undefined) {
      id = nodes.push({ op: tree.op, args, rate, boolean, level, ...extra }) - 1;
      byKey.set(key, id);
    }
    byTree.set(tree, id);
    return id;
  };

  const outputs: Output[] = [];
  for (const { name, shape, value } of source.outputs) {
    // A slot that keeps its value is not written, and not read either unless something else needs it.
    if (value.op === "read" && value.name === name && value.shape === shape) continue;
    const node = visit(value);
    const { rate } = nodes[node]!;
    if (rates.indexOf(rate) > rates.indexOf(shape)) {
      throw new TypeError(
        `Cannot compile the kernel: "${name}" holds one value per ${shape}, but its new value varies per ${rate}`,
      );
    }
    outputs.push({ name, shape, node });
  }
  const hold = source.hold === undefined ? undefined : visit(source.hold);
  if (hold !== undefined && nodes[hold]!.rate !== "tensor") {
    throw new TypeError(
      `Cannot compile the kernel: hold must be one value a tensor, current rate is ${
        nodes[hold]!.rate
      }`,
    );
  }

  const deepest = Math.max(
    0,
    ...outputs.map((o) => nodes[o.node]!.level),
    hold === undefined ? 0 : nodes[hold]!.level,
  );
  const passes: Pass[] = [];
  for (let p = 0; p <= deepest; p++) {
    const last = p === deepest;
    const sumsHere = last ? [] : sums.flatMap((s, i) => nodes[s.node]!.level === p ? [i] : []);
    const outputsHere = last ? outputs.map((_, i) => i) : [];
    const needed = new Set<number>();
    const need = (id: number) => {
      if (needed.has(id)) return;
      needed.add(id);
      // A finished sum is loaded, not computed.
      if (nodes[id]!.op !== "sum") nodes[id]!.args.forEach(need);
    };
    for (const s of sumsHere) need(sums[s]!.node);
    for (const o of outputsHere) need(outputs[o]!.node);
    if (last && hold !== undefined) need(hold);
    const ordered = [...needed].sort((a, b) => a - b);
    const at = (rate: Rate) => ordered.filter((id) => nodes[id]!.rate === rate);
    passes.push({
      tensor: at("tensor"),
      row: at("row"),
      element: at("element"),
      sums: sumsHere,
      outputs: outputsHere,
    });
  }
  const usesRows = nodes.some((n) => n.rate === "row") ||
    outputs.some((o) => o.shape === "row");
  return {
    nodes,
    inputs,
    outputs,
    scalars,
    sums,
    passes,
    usesRows,
    ...(hold === undefined ? {} : { hold }),
  };
}

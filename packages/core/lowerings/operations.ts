/**
 * Runs a program by a host's own operations, one an operator: for devices whose memory cannot be reached.
 *
 * @module
 */
import type { ArrayShape } from "../kernel/expr.ts";
import type { Node, Program } from "../kernel/program.ts";

/** Rows and columns. */
export type View = [rows: number, columns: number];

/**
 * Operations on a host's arrays of two axes. Each may use up the arrays that it is given: where another
 * use follows, it is given `again()`.
 */
export interface HostOperations<A> {
  /** The program's operators, on arrays that broadcast. */
  readonly operators: Readonly<Partial<Record<Node["op"], (...args: A[]) => A>>>;
  /** A number, as [1, 1]. */
  constant(value: number): A;
  /** An array of any shape as [rows, columns]. */
  reshape(array: A, view: View): A;
  broadcast(array: A, view: View): A;
  /** With so many columns of zeros behind the others. */
  pad(array: A, columns: number): A;
  /** One below the other. */
  stack(arrays: A[]): A;
  /** Sums over the columns, as [rows, 1]. */
  sum(array: A): A;
  /** The array for one use more. */
  again(array: A): A;
  /** There is no further use. */
  release(array: A): void;
}

/** A program's call, as far as operations know it. */
export interface OperationsCall<A> {
  readonly rows: number;
  readonly columns: number;
  /** In the order of `program.inputs`; they stay. */
  readonly inputs: readonly A[];
  /** A scalar by its place in `program.scalars`, as [1, 1]. */
  scalar(index: number): A;
}

/** Devices that add in order in one float32 lose digits beyond some hundred summands. */
const block = 256;

/** Sums over the columns, in blocks: as [rows, 1]. */
function sumRows<A>(host: HostOperations<A>, array: A, [rows, columns]: View): A {
  let values = array;
  while (columns > block) {
    const blocks = Math.ceil(columns / block);
    const missing = blocks * block - columns;
    if (missing > 0) values = host.pad(values, missing);
    values = host.reshape(host.sum(host.reshape(values, [rows * blocks, block])), [rows, blocks]);
    columns = blocks;
  }
  return host.sum(values);
}

/**
 * The outputs of each call, as [rows, columns], [rows, 1] or [1, 1]; sums over "all" run over the calls.
 *
 * @throws {TypeError} For an operator that the host does not have.
 */
export function runOperations<A>(
  { nodes, sums, inputs, outputs }: Program,
  calls: readonly OperationsCall<A>[],
  host: HostOperations<A>,
): A[][] {
  const known = calls.map(() => new Map<number, A>());
  const totals = new Map<number, A>();
  const viewOf = ({ rows, columns }: OperationsCall<A>, shape: ArrayShape): View =>
    ({ element: [rows, columns], row: [rows, 1], tensor: [1, 1] } satisfies Record<string, View>)[
      shape
    ];
  const value = (i: number, id: number): A => {
    let found = known[i]!.get(id);
    if (found === undefined) known[i]!.set(id, found = compute(i, nodes[id]!));
    return host.again(found);
  };
  const sumOf = (i: number, id: number, scope: "row" | "tensor"): A => {
    const view = viewOf(calls[i]!, "element"), own = value(i, id);
    // A sum runs over elements, also where its argument is the same for all of them.
    const full = nodes[id]!.rate === "element" ? own : host.broadcast(own, view);
    if (scope === "row") return sumRows(host, full, view);
    const line: View = [1, view[0] * view[1]];
    return sumRows(host, host.reshape(full, line), line);
  };
  const compute = (i: number, { op, args, index, value: number }: Node): A => {
    const call = calls[i]!;
    switch (op) {
      case "const":
        return host.constant(number!);
      case "scalar":
        return call.scalar(index!);
      case "read": {
        const view = viewOf(call, inputs[index!]!.shape);
        return host.reshape(host.again(call.inputs[index!]!), view);
      }
      case "sum": {
        const { node, scope } = sums[index!]!;
        if (scope !== "all") return sumOf(i, node, scope);
        let total = totals.get(index!);
        if (total === undefined) {
          const each = host.stack(calls.map((_, k) => sumOf(k, node, "tensor")));
          const line: View = [1, calls.length];
          totals.set(index!, total = sumRows(host, host.reshape(each, line), line));
        }
        return host.again(total);
      }
      default: {
        const apply = host.operators[op];
        if (!apply) throw new TypeError(`Cannot run as operations: unknown operator ${op}`);
        return apply(...args.map((arg) => value(i, arg)));
      }
    }
  };
  const results = calls.map((call, i) =>
    outputs.map(({ node, shape }) => host.broadcast(value(i, node), viewOf(call, shape)))
  );
  for (const values of [...known, totals]) for (const array of values.values()) host.release(array);
  return results;
}

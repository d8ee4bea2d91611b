/**
 * Trees of arrays as lists of named arrays.
 *
 * @module
 */
import { Array as JaxArray, type JsTree, numpy as np, tree } from "@jax-js/jax";
import { shown } from "@precond/core/backend";

/** An array of a tree, under the path to it. */
export interface Leaf {
  /** Keys and indices joined by "/"; "params" where the tree is one array. */
  readonly name: string;
  readonly array: JaxArray;
}

/** Whether what is no array of this realm is being traced: it has the array's shape and type. */
const isTraced = (value: unknown) =>
  typeof value === "object" && value !== null && "aval" in value && "dtype" in value;

function checkLeaf(action: string, what: string, name: string, value: unknown): JaxArray {
  const place = `${what} "${name}"`;
  if (!(value instanceof JaxArray)) {
    if (isTraced(value)) {
      throw new TypeError(
        `Cannot ${action}: ${place} is being traced by jit, grad or vmap; call ${action}() outside of them, as the step is one fused kernel itself`,
      );
    }
    throw new TypeError(
      `Cannot ${action}: ${place} must be an array of jax-js, current value is ${shown(value)}`,
    );
  }
  if (value.refCount <= 0) {
    throw new TypeError(
      `Cannot ${action}: ${place} was given away before; pass tree.ref(…) where you need it again`,
    );
  }
  if (value.dtype !== np.float32) {
    throw new TypeError(
      `Cannot ${action}: ${place} must be float32, current dtype is ${value.dtype}; convert it with astype(np.float32)`,
    );
  }
  return value;
}

/**
 * The arrays of a tree by path. Consumes nothing.
 *
 * @throws {TypeError} For leaves that are no float32 arrays, or have one name.
 */
export function namedLeaves(action: string, what: string, given: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (value: unknown, path: readonly string[]) => {
    if (Array.isArray(value)) {
      value.forEach((item, i) => visit(item, [...path, String(i)]));
    } else if (typeof value === "object" && value !== null && value.constructor === Object) {
      for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
    } else {
      const name = path.join("/") || "params";
      leaves.push({ name, array: checkLeaf(action, what, name, value) });
    }
  };
  visit(given, []);
  const seen = new Set<string>();
  for (const { name } of leaves) {
    if (seen.has(name)) {
      throw new TypeError(`Cannot ${action}: two of ${what} are called "${name}"; rename one`);
    }
    seen.add(name);
  }
  return leaves;
}

/** What a tree must agree with. */
export interface Expected {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The arrays of a tree, in the order of those expected.
 *
 * @throws {TypeError} If names, shapes or devices differ.
 */
export function leavesLike(
  action: string,
  what: string,
  given: unknown,
  expected: readonly Expected[],
  device: string,
): JaxArray[] {
  const leaves = new Map(namedLeaves(action, what, given).map((l) => [l.name, l.array]));
  const arrays = expected.map(({ name, shape }) => {
    const array = leaves.get(name);
    if (!array) {
      throw new TypeError(
        `Cannot ${action}: ${what} have no "${name}", they are ${
          [...leaves.keys()].join(", ") || "none"
        }`,
      );
    }
    if (array.shape.join() !== shape.join()) {
      throw new TypeError(
        `Cannot ${action}: ${what} "${name}" must have shape [${shape}], current shape is [${array.shape}]`,
      );
    }
    if (array.device !== device) {
      throw new TypeError(
        `Cannot ${action}: ${what} "${name}" must be on ${device}, where the state is, current device is ${array.device}; move it with devicePut()`,
      );
    }
    return array;
  });
  const names = new Set(expected.map(({ name }) => name));
  const other = [...leaves.keys()].find((name) => !names.has(name));
  if (other !== undefined) {
    throw new TypeError(
      `Cannot ${action}: ${what} have "${other}", which the state's parameters have not: ${
        [...names].join(", ") || "none"
      }`,
    );
  }
  return arrays;
}

/** A tree like another one, of other arrays in the order of `names`. */
export function treeLike<Tree extends JsTree<JaxArray>>(
  like: Tree,
  names: readonly string[],
  arrays: readonly JaxArray[],
): Tree {
  const byName = new Map(names.map((name, i) => [name, arrays[i]!]));
  const [, structure] = tree.flatten<JaxArray>(like);
  const order = namedLeaves("update", "gradients", like).map(({ name }) => byName.get(name)!);
  return tree.unflatten(structure, order) as Tree;
}

import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { assertClose, plain, runOnWasm } from "../_testing.ts";

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 1, z: 0 };

/** The sum of products over every assignment of the letters. */
function reference(equation: string, arrays: readonly ArrayLike<number>[]): number[] {
  const [left, output] = equation.split("->") as [string, string];
  const terms = left.split(","), letters = [...new Set(left.replace(",", ""))];
  const at = (term: string, index: ReadonlyMap<string, number>) =>
    [...term].reduce((i, letter) => i * sizes[letter]! + index.get(letter)!, 0);
  const out: number[] = new Array([...output].reduce((n, l) => n * sizes[l]!, 1)).fill(0);
  const count = letters.reduce((n, l) => n * sizes[l]!, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    const index = new Map(letters.map((letter) => {
      const k = rest % sizes[letter]!;
      rest = Math.floor(rest / sizes[letter]!);
      return [letter, k];
    }));
    out[at(output, index)]! += terms.reduce((p, term, t) => p * arrays[t]![at(term, index)]!, 1);
  }
  return out;
}

for (
  const equation of [
    ...["ab->ba", "ab->a", "ab->", "abc->ca", "a->a"],
    ...["ab,bc->ac", "a,a->", "ab,ab->a", "a,b->ab", "ab,ab->ba", "abc,acd->abd", "ba,cb->ac"],
    ...["abcd,dc->ab", "abc,cde->bade", "ab,c->ac", "ab,cd->", "abcd,abde->acbe", "e,e->e"],
    ...["az,zb->ab", "zab,zbc->zac"],
    ...["abc,cd->abd", "acbd,aebd->abce", "abce,aebd->acbd"], // as in attention
  ]
) {
  Deno.test(`einsum ${equation}`, async () => {
    const [left, output] = equation.split("->") as [string, string];
    const arrays = left.split(",").map((term, i) =>
      plain([...term].map((letter) => sizes[letter]!), 20 + i)
    );
    const expected = reference(equation, arrays.map((a) => a.values));
    const out = await runOnWasm(tf.Einsum, Object.fromEntries(arrays.entries()), { equation });
    assertClose(out, [...output].map((letter) => sizes[letter]!), expected);
  });
}

Deno.test("einsum refuses what it cannot do", async () => {
  const x = plain([2, 3], 1);
  await assert.rejects(runOnWasm(tf.Einsum, { 0: x }, { equation: "ab->aa" }), {
    name: "TypeError",
    message: /the output is expected to have each letter once, current equation is ab->aa$/,
  });
  await assert.rejects(
    runOnWasm(tf.Einsum, { 0: { ...x, dtype: "int32" } }, { equation: "ab->ba" }),
    { name: "TypeError", message: /0 is expected to be float32, current dtype is int32$/ },
  );
});

import {
  broadcastDims,
  product,
  quotient,
  sameDims,
  substitute,
  symbolOf,
  symbolsOf,
} from "./dims.ts";
import assert from "node:assert/strict";

Deno.test("product() writes the number first and sorts symbols", () => {
  assert.equal(product([2, 3, 4]), 24);
  assert.equal(product([]), 1);
  assert.equal(product(["T", 2, "N", 3]), "6*N*T");
  assert.equal(product(["N", 1]), "N");
  assert.equal(product(["2*N", "3*N"]), "6*N*N");
});

Deno.test("product() is 0 where a size is, whatever the others are", () => {
  assert.equal(product(["N", 0]), 0);
  assert.equal(product([2 ** 40, 2 ** 40, 0]), 0);
});

Deno.test("product() refuses what a number cannot count", () => {
  assert.throws(() => product([2 ** 40, 2 ** 40]), {
    name: "RangeError",
    message: "sizes [1099511627776,1099511627776] multiply to more than 2^53",
  });
});

Deno.test("quotient() divides what is known to divide", () => {
  assert.equal(quotient(12, 4), 3);
  assert.equal(quotient("6*N*T", "2*T"), "3*N");
  assert.equal(quotient("N", "N"), 1);
  assert.equal(quotient("N*N", "N"), "N");
  assert.equal(quotient(0, 5), 0);
});

Deno.test("quotient() is undefined where division is not known to be whole", () => {
  assert.equal(quotient(12, 5), undefined);
  assert.equal(quotient("N", 2), undefined);
  assert.equal(quotient("N", "T"), undefined);
  assert.equal(quotient(12, 0), undefined);
  assert.equal(quotient(0, 0), undefined);
});

Deno.test("quotient() undoes product()", () => {
  const dims = [1, 2, 7, "N", "T", "3*N", "N*T"];
  for (const a of dims) {
    for (const c of dims) assert.equal(quotient(product([a, c]), c), product([a]), `${a} ${c}`);
  }
});

Deno.test("Symbols that look like numbers are symbols", () => {
  // "3.0" is what the first size of a value called "3" is called.
  for (const name of ["3.0", "12", "-1", "1e3", "0x10", "Infinity", "2*N", " ", "007"]) {
    const symbol = symbolOf(name);
    assert.equal(product([symbol, 2]), `2*${symbol}`, name);
    assert.equal(quotient(product([symbol, 2]), 2), symbol, name);
  }
  assert.equal(symbolOf("batch_size"), "batch_size");
});

Deno.test("symbolOf() keeps clear of the symbols that this package makes up", () => {
  assert.equal(symbolOf("unknown_0"), "file_unknown_0");
  assert.equal(symbolOf("unknown_size"), "unknown_size");
});

Deno.test("broadcastDims() follows NumPy", () => {
  assert.deepEqual(broadcastDims([[2, 1, 3], [4, 1]]), [2, 4, 3]);
  assert.deepEqual(broadcastDims([[], [2]]), [2]);
  assert.deepEqual(broadcastDims([[1], [0]]), [0]);
  assert.deepEqual(broadcastDims([["N", 1], [3]]), ["N", 3]);
  assert.deepEqual(broadcastDims([["N"], ["N"], [1]]), ["N"]);
  assert.deepEqual(broadcastDims([]), []);
});

Deno.test("broadcastDims() takes a number over a symbol and leaves two symbols open", () => {
  assert.deepEqual(broadcastDims([["N"], [3]]), [3]);
  assert.deepEqual(broadcastDims([["N"], ["M"]]), [undefined]);
});

Deno.test("broadcastDims() names sizes that do not broadcast", () => {
  assert.throws(
    () => broadcastDims([[2, 3], [4, 3]]),
    /sizes 2 and 4 do not broadcast \(shapes \[2,3\], \[4,3\]\)/,
  );
});

Deno.test("sameDims() is false for what is not known", () => {
  assert.ok(sameDims(["N", 2], ["N", 2]));
  assert.ok(!sameDims(["N", 2], ["M", 2]));
  assert.ok(!sameDims([2], [2, 2]));
  assert.ok(!sameDims(undefined, undefined));
});

Deno.test("substitute() puts numbers in place of symbols, and leaves the others", () => {
  const sizes = new Map([["N", 4], ["constructor", 2]]);
  assert.equal(substitute("3*N", sizes), 12);
  assert.equal(substitute("2*N*T", sizes), "8*T");
  assert.equal(substitute("N*constructor", sizes), 8);
  assert.equal(substitute("toString", sizes), "toString");
  assert.equal(substitute(5, sizes), 5);
  assert.deepEqual(symbolsOf("2*N*T"), ["N", "T"]);
});

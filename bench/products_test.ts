import assert from "node:assert/strict";
import { measureProduct, productTable } from "./products.ts";

Deno.test("measureProduct() times every contender, and its ratio is of the host to ours", async () => {
  const row = await measureProduct({ rows: 5, inner: 4, columns: 3, a: "t", b: "n" }, 5);
  for (const key of ["wasm_ms", "javascript_ms", "host_wasm_ms"] as const) {
    assert.ok(row[key] > 0 && row[key] < Infinity, key);
  }
  assert.equal(row.ratio, row.host_wasm_ms / row.wasm_ms);
  // 5·4·3 products and as many sums.
  assert.equal(row.gigaflops, 120 / row.wasm_ms / 1e6);
  assert.match(productTable([row]), /5×4×3/);
});

/**
 * Matrix products in WebAssembly SIMD, on any memory.
 *
 * @module
 */
import type { ProductCall } from "../driver/backend.ts";
import type { WasmScratch } from "../driver/wasm_kernel.ts";
import { type ProductExports, productModule, tileColumns } from "./wasm_module.ts";

/**
 * Steps of a sum between two loads of it from memory: 256 rows of a tile of b are 8 KiB and as many lines
 * of a transposed a 16, which a first-level cache of 32 KiB holds. Sums do not depend on it.
 */
const depthOfBlock = 256;

/**
 * Compiles products against `memory`. Calls hold addresses of float32 arrays.
 *
 * Each element is `Σ_p op(a)[i, p] · op(b)[p, j]` in the order of p, each product and each sum rounded
 * to float32, whatever the transposes and the size of the matrices: the same bits on every run, and a matrix
 * times its own transpose is symmetric in each bit.
 */
export function wasmProducts(
  memory: WebAssembly.Memory,
  scratch: WasmScratch,
  options: { sharedMemory?: boolean } = {},
): (calls: readonly ProductCall<number>[]) => void {
  const module = new WebAssembly.Module(productModule(options.sharedMemory));
  const kernels = new WebAssembly.Instance(module, { env: { memory } })
    .exports as unknown as ProductExports;

  const multiply = (call: ProductCall<number>, panel: number, edge: number) => {
    const { a, b, out, rows, inner, columns, transposeA, transposeB } = call;
    const tiles = transposeA ? kernels.tilesAcross : kernels.tilesDown;
    const aStride = 4 * (transposeA ? rows : inner);
    const [aStep, bRow, bColumn] = [
      transposeA ? aStride : 4,
      transposeB ? 4 : 4 * columns,
      transposeB ? 4 * inner : 4,
    ];
    // Only the upper half of a symmetric result is computed, in whole tiles.
    const symmetric = a === b && rows === columns && Boolean(transposeA) !== Boolean(transposeB);
    for (let p = 0; p < inner || p === 0; p += depthOfBlock) {
      const depth = Math.min(depthOfBlock, inner - p);
      for (let j = 0; j < columns; j += tileColumns) {
        const width = Math.min(tileColumns, columns - j);
        const height = symmetric ? Math.min(rows, j + tileColumns) : rows;
        const from = b + p * bRow + j * bColumn;
        if (width < tileColumns) kernels.copy(from, panel, depth, width, bRow, bColumn, 32, 4);
        else if (!transposeB) kernels.packRows(from, panel, depth, bRow);
        else {
          const even = depth & ~3;
          kernels.packColumns(from, panel, even, bColumn);
          kernels.copy(from + 4 * even, panel + 32 * even, depth - even, 8, bRow, bColumn, 32, 4);
        }
        const whole = width === tileColumns;
        const [target, stride] = whole ? [out + 4 * j, 4 * columns] : [edge, 4 * tileColumns];
        tiles(a + p * aStep, panel, target, height, depth, aStride, 32, stride, Number(p > 0));
      }
    }
    const width = columns % tileColumns;
    if (width > 0) {
      kernels.copy(edge, out + 4 * (columns - width), rows, width, 32, 4, 4 * columns, 4);
    }
    if (!symmetric) return;
    for (let j = tileColumns; j < rows; j += tileColumns) {
      const width = Math.min(tileColumns, rows - j), stride = 4 * columns;
      kernels.copy(out + 4 * j, out + stride * j, width, j, 4, stride, stride, 4);
    }
  };

  return (calls) => {
    const heights = calls.map((c) => c.columns % tileColumns === 0 ? 0 : c.rows);
    const panel = scratch.allocate(4 * tileColumns * depthOfBlock);
    let edge: number | undefined;
    try {
      edge = scratch.allocate(4 * tileColumns * Math.max(0, ...heights));
      for (const call of calls) multiply(call, panel, edge);
    } finally {
      scratch.free(panel);
      if (edge !== undefined) scratch.free(edge);
    }
  };
}

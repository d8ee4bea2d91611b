/**
 * The compute shader of matrix products.
 *
 * @module
 */

/** Invocations along each side of a workgroup, each of which has 4 × 4 elements of the result. */
const side = 8;
/** Rows and columns of the result that a workgroup computes. */
export const wgslTile: number = 4 * side;
/** Steps of the sum for which parts of a and b are in the workgroup's memory: 4 KiB of 16 that all have. */
const depth = 16;
const loads = wgslTile * depth / side ** 2;

/**
 * `out[i, j] = Σ_p a[i, p] · b[p, j]`, p rising. Binding 0 is {@linkcode productUniforms}, then come a,
 * b and out; workgroups run over columns in x, rows in y.
 */
export const wgslProduct: string = `
struct Shape {
  rows: u32, inner: u32, columns: u32, aRow: u32, aStep: u32, bStep: u32, bColumn: u32, unused: u32
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
var<workgroup> partA: array<array<f32, ${wgslTile}>, ${depth}>;
var<workgroup> partB: array<array<f32, ${wgslTile}>, ${depth}>;

@compute @workgroup_size(${side}, ${side})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) own: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = group.y * ${wgslTile}u;
  let column = group.x * ${wgslTile}u;
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  for (var start = 0u; start < shape.inner; start += ${depth}u) {
    for (var k = 0u; k < ${loads}u; k++) {
      let at = index + k * ${side ** 2}u;
      // Neighbours in a workgroup read neighbours in memory, whichever way a matrix is stored.
      let along = vec2<u32>(at / ${depth}u, at % ${depth}u);
      let across = vec2<u32>(at % ${wgslTile}u, at / ${wgslTile}u);
      let inA = select(across, along, shape.aStep == 1u);
      let inB = select(across, along, shape.bStep == 1u);
      let i = row + inA.x;
      let j = column + inB.x;
      let pA = start + inA.y;
      let pB = start + inB.y;
      // What lies outside is 0 in both, and adds nothing.
      var x = 0.0;
      if (i < shape.rows && pA < shape.inner) { x = a[i * shape.aRow + pA * shape.aStep]; }
      var y = 0.0;
      if (j < shape.columns && pB < shape.inner) { y = b[pB * shape.bStep + j * shape.bColumn]; }
      partA[inA.y][inA.x] = x;
      partB[inB.y][inB.x] = y;
    }
    workgroupBarrier();
    for (var p = 0u; p < ${depth}u; p++) {
      let i = own.y * 4u;
      let j = own.x * 4u;
      let y = vec4<f32>(partB[p][j], partB[p][j + 1u], partB[p][j + 2u], partB[p][j + 3u]);
      s0 += partA[p][i] * y;
      s1 += partA[p][i + 1u] * y;
      s2 += partA[p][i + 2u] * y;
      s3 += partA[p][i + 3u] * y;
    }
    workgroupBarrier();
  }
  let sums = array<vec4<f32>, 4>(s0, s1, s2, s3);
  for (var r = 0u; r < 4u; r++) {
    let i = row + own.y * 4u + r;
    if (i >= shape.rows) { break; }
    for (var c = 0u; c < 4u; c++) {
      let j = column + own.x * 4u + c;
      if (j < shape.columns) { out[i * shape.columns + j] = sums[r][c]; }
    }
  }
}
`;

/** Binding 0: sizes, and the distance in elements between neighbours of a and b along each index. */
export function productUniforms(
  { rows, inner, columns, transposeA, transposeB }: {
    readonly rows: number;
    readonly inner: number;
    readonly columns: number;
    readonly transposeA?: boolean;
    readonly transposeB?: boolean;
  },
): Uint32Array<ArrayBuffer> {
  const [aRow, aStep] = transposeA ? [1, rows] : [inner, 1];
  const [bStep, bColumn] = transposeB ? [1, inner] : [columns, 1];
  return Uint32Array.of(rows, inner, columns, aRow!, aStep!, bStep!, bColumn!, 0);
}

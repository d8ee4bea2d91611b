/** @module */
import type { TexelWidth } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { DrawableBackend } from "./internals.ts";

/** How the textures of a tensor's shape hold its elements, and the integers that shaders need of it. */
export interface Layout {
  readonly shape: readonly number[];
  readonly packed: boolean;
  readonly width: TexelWidth;
  /** Whether some lanes of its texels are outside of the tensor. */
  readonly padded: boolean;
  /** Height and width as tfjs counts them. */
  readonly texShape: readonly [number, number];
  /** Height and width in texels. */
  readonly size: readonly [number, number];
  readonly integers: Readonly<
    Record<"width" | "columns" | "lines" | "across" | "down" | "texels", number>
  >;
}

/** Last two dimensions and the number of matrices. */
function matrices(shape: readonly number[]) {
  const columns = shape.at(-1) ?? 1;
  const lines = shape.at(-2) ?? 1;
  return { columns, lines, count: shape.slice(0, -2).reduce((a, b) => a * b, 1) };
}

/** Whether blocks of 2 × 2 elements of one shape are those of the other, in the same order. */
function sameBlocks(a: readonly number[], b: readonly number[]): boolean {
  const [m, n] = [matrices(a), matrices(b)];
  return m.columns === n.columns &&
    (m.lines === n.lines || (m.lines % 2 === 0 && n.lines % 2 === 0));
}

const texels = (texShape: readonly [number, number], packed: boolean): [number, number] =>
  packed ? [Math.ceil(texShape[0] / 2), Math.ceil(texShape[1] / 2)] : [...texShape];

/** Layouts and textures of one backend. */
export interface Layouts {
  /** Where all arrays of a variable of this shape lie. */
  element(shape: readonly number[]): Layout;
  /** One value a texel. */
  plain(shape: readonly number[]): Layout;
  /** A new tensor in that layout, with anything in it. */
  allocate(shape: readonly number[], layout: Layout): tf.TensorInfo;
  /** Its texture. */
  own(info: tf.TensorInfo): WebGLTexture;
  /**
   * A tensor's texture in that layout, with "linear" in any width and with "one" only its first texel;
   * of a copy, which it adds to `copies`, if need be.
   */
  texture(
    tensor: tf.TensorInfo,
    layout: Layout | "linear" | "one",
    copies: tf.TensorInfo[],
  ): WebGLTexture;
}

/** The layouts that tfjs itself gives to tensors. */
export function layoutsOf(backend: DrawableBackend): Layouts {
  const known = new Map<string, Layout>();

  const allocate = (shape: readonly number[], packed: boolean) => {
    const info = backend.makeTensorInfo([...shape], "float32");
    if (packed) backend.texData.get(info.dataId).isPacked = true;
    // Without values there is nothing to upload: this gives it a texture.
    backend.uploadToGPU(info.dataId);
    return info;
  };

  const make = (shape: readonly number[], packed: boolean): Layout => {
    const key = `${shape} ${packed}`;
    let layout = known.get(key);
    if (layout) return layout;
    // tfjs does not export the function that chooses a texture's shape.
    const sample = allocate(shape, packed);
    const [height, width] = backend.texData.get(sample.dataId).texShape!;
    backend.disposeIntermediateTensorInfo(sample);
    const { columns, lines, count } = matrices(shape);
    const [across, down] = packed
      ? [Math.ceil(columns / 2), Math.ceil(lines / 2)]
      : [columns, lines];
    const size = texels([height, width], packed);
    const texelWidth = !packed ? 1 : lines === 1 ? 2 : 4;
    layout = {
      shape: [...shape],
      packed,
      width: texelWidth,
      padded: packed && (columns % 2 > 0 || (texelWidth === 4 && lines % 2 > 0)),
      texShape: [height, width],
      size,
      integers: { width: size[1], columns, lines, across, down, texels: count * across * down },
    };
    known.set(key, layout);
    return layout;
  };

  const copied = (tensor: tf.TensorInfo, packed: boolean): tf.TensorInfo => {
    // tfjs changes the shape of what it is given for a while.
    const { dataId, dtype } = tensor;
    const info = { dataId, dtype, shape: [...tensor.shape] };
    if (backend.texData.get(dataId).isPacked ? !packed : packed) {
      return packed ? backend.packTensor(info) : backend.unpackTensor(info);
    }
    const program = {
      variableNames: ["A"],
      outputShape: info.shape,
      userCode: "void main() { setOutput(getAAtOutCoords()); }",
      packedInputs: packed,
      packedOutput: packed,
    };
    return backend.runWebGLProgram(program, [info], "float32", null, true);
  };

  return {
    element(shape) {
      const { columns, lines, count } = matrices(shape);
      const blocks = count * Math.ceil(columns / 2) * Math.ceil(lines / 2);
      // Where the last two dimensions are 1, a block has one element only.
      const worth = blocks <= 0.75 * count * columns * lines;
      return make(shape, worth && tf.env().getBool("WEBGL_PACK"));
    },
    plain: (shape) => make(shape, false),
    allocate: (shape, layout) => allocate(shape, layout.packed),
    own: (info) => backend.texData.get(info.dataId).texture!.texture,
    texture(tensor, layout, copies) {
      const packed = typeof layout === "object" && layout.packed;
      const data = backend.texData.get(tensor.dataId);
      if (!data.texture) {
        if (packed) {
          data.isPacked = true;
          data.shape = tensor.shape;
        }
        backend.uploadToGPU(tensor.dataId);
      }
      const fits = !data.slice && (layout === "one" || (!!data.isPacked === packed &&
        (layout === "linear" ||
          (data.texShape![0] === layout.texShape[0] && data.texShape![1] === layout.texShape[1] &&
            (!packed || sameBlocks(data.shape, tensor.shape))))));
      if (fits) return data.texture!.texture;
      const copy = copied(tensor, packed);
      copies.push(copy);
      return backend.texData.get(copy.dataId).texture!.texture;
    },
  };
}

/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** A program as tfjs takes it. */
export interface WebglProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly userCode: string;
  readonly customUniforms?: readonly { readonly name: string; readonly type: "float" | "int" }[];
  readonly packedInputs?: boolean;
  readonly packedOutput?: boolean;
}

/** What tfjs knows of a data id. */
export interface TextureData {
  readonly texture?: { readonly texture: WebGLTexture } | null;
  /** Elements in height and width; twice the texels where packed. */
  readonly texShape?: readonly [number, number] | null;
  /** Whether a texel is a block of 2 × 2 elements. */
  isPacked?: boolean;
  /** Its shape when it was packed. */
  shape: readonly number[];
  /** Set if it is a part of another tensor's texture. */
  readonly slice?: object | null;
}

/** What every update uses of tfjs-backend-webgl. */
export interface WebglBackend {
  runWebGLProgram(
    program: WebglProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: "float32",
    uniforms?: readonly (readonly number[])[] | null,
    preventEagerUnpacking?: boolean,
  ): tf.TensorInfo;
}

/** What drawing into its textures uses besides. */
export interface DrawableBackend extends WebglBackend {
  readonly gpgpu: {
    readonly gl: WebGL2RenderingContext;
    readonly framebuffer: WebGLFramebuffer;
    readonly program: (WebGLProgram & { readonly vao?: WebGLVertexArrayObject }) | null;
  };
  readonly texData: { get(id: object): TextureData };
  makeTensorInfo(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
  uploadToGPU(id: object): void;
  packTensor(info: tf.TensorInfo): tf.TensorInfo;
  unpackTensor(info: tf.TensorInfo): tf.TensorInfo;
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

const functions = [
  "makeTensorInfo",
  "uploadToGPU",
  "packTensor",
  "unpackTensor",
  "disposeIntermediateTensorInfo",
] as const;

/** The active backend if it lets others draw into its textures: most of that is no public API. */
export function drawableBackend(): DrawableBackend | undefined {
  const backend = tf.backend() as unknown as Partial<DrawableBackend>;
  const { gpgpu, texData } = backend;
  const gl: Partial<WebGL2RenderingContext> | undefined = gpgpu?.gl;
  const drawable = typeof gl?.drawBuffers === "function" && !gl.isContextLost?.() &&
    gpgpu?.framebuffer && typeof texData?.get === "function" &&
    functions.every((name) => typeof backend[name] === "function");
  return drawable ? backend as DrawableBackend : undefined;
}

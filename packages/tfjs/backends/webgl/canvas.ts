/** @module */
import type { GlslDraw } from "@precond/core/backend";
import type { DrawableBackend } from "./internals.ts";

/** A compiled draw. */
export interface Compiled extends GlslDraw {
  readonly program: WebGLProgram;
  readonly uniforms: ReadonlyMap<string, WebGLUniformLocation>;
}

/** What one draw reads and writes. */
export interface Strokes {
  /** In the order of the shader's inputs, then its sums. */
  readonly textures: readonly WebGLTexture[];
  readonly targets: readonly WebGLTexture[];
  /** Of the targets: height and width in texels. */
  readonly size: readonly [number, number];
  /** Whether they have four values a texel. */
  readonly packed: boolean;
  readonly integers: Readonly<Record<string, number>>;
  readonly scalars: Float64Array;
}

/** Draws with several targets on tfjs's own context. */
export interface Canvas {
  /** Targets that a draw can have. */
  readonly targets: number;
  /** Textures that a draw can read. */
  readonly textures: number;
  isLost(): boolean;
  /** Undefined if the driver refuses it. */
  compile(draw: GlslDraw): Compiled | undefined;
  /** False if the driver does not render into such targets. */
  draw(compiled: Compiled, strokes: Strokes): boolean;
  /** Leaves the context as tfjs left it; call after a series of draws. */
  restore(): void;
  release(compiled: Compiled): void;
}

// One triangle over everything, without any buffer; counter-clockwise, since tfjs culls the others.
const vertexCode = `#version 300 es
out highp vec2 uv;
void main() {
uv = 2.0 * vec2(gl_VertexID == 1, gl_VertexID == 2);
gl_Position = vec4(2.0 * uv - 1.0, 0, 1);
}`;

const canvases = new WeakMap<object, Canvas>();

/** The canvas of a backend's context; undefined if the context allows none. */
export function canvasOf(backend: DrawableBackend): Canvas | undefined {
  const { gl } = backend.gpgpu;
  let canvas = canvases.get(gl);
  if (!canvas) {
    canvas = makeCanvas(backend);
    if (canvas) canvases.set(gl, canvas);
  }
  return canvas;
}

function shaderOf(gl: WebGL2RenderingContext, type: number, code: string) {
  const shader = gl.createShader(type);
  if (!shader) return undefined;
  gl.shaderSource(shader, code);
  gl.compileShader(shader);
  return shader;
}

function makeCanvas({ gpgpu }: DrawableBackend): Canvas | undefined {
  const { gl } = gpgpu;
  const vertices = shaderOf(gl, gl.VERTEX_SHADER, vertexCode);
  const vao = gl.createVertexArray();
  if (!vertices || !vao) return undefined;
  /** By the number of targets; complete with packed ones, with others. */
  const framebuffers = new Map<number, { buffer: WebGLFramebuffer; complete: Set<boolean> }>();
  const scalarsOf = new WeakMap<Compiled, Float64Array>();
  let used = new Set<number>();

  const attach = (count: number, textures: readonly (WebGLTexture | null)[]) => {
    for (let k = 0; k < count; k++) {
      const point = gl.COLOR_ATTACHMENT0 + k;
      gl.framebufferTexture2D(gl.FRAMEBUFFER, point, gl.TEXTURE_2D, textures[k] ?? null, 0);
    }
  };
  const framebufferFor = (count: number) => {
    let found = framebuffers.get(count);
    if (found) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, found.buffer);
      return found.complete;
    }
    found = { buffer: gl.createFramebuffer()!, complete: new Set() };
    gl.bindFramebuffer(gl.FRAMEBUFFER, found.buffer);
    gl.drawBuffers(Array.from({ length: count }, (_, k) => gl.COLOR_ATTACHMENT0 + k));
    framebuffers.set(count, found);
    return found.complete;
  };

  return {
    targets: Math.min(
      gl.getParameter(gl.MAX_DRAW_BUFFERS) as number,
      gl.getParameter(gl.MAX_COLOR_ATTACHMENTS) as number,
    ),
    textures: gl.getParameter(gl.MAX_TEXTURE_IMAGE_UNITS) as number,
    isLost: () => gl.isContextLost(),
    compile(draw) {
      const fragments = shaderOf(gl, gl.FRAGMENT_SHADER, draw.code);
      const program = gl.createProgram();
      if (!fragments || !program) return undefined;
      gl.attachShader(program, vertices);
      gl.attachShader(program, fragments);
      gl.linkProgram(program);
      // The program keeps it as long as it needs it.
      gl.deleteShader(fragments);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
        gl.deleteProgram(program);
        return undefined;
      }
      const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) as number;
      const uniforms = new Map<string, WebGLUniformLocation>();
      for (let u = 0; u < count; u++) {
        const { name } = gl.getActiveUniform(program, u)!;
        uniforms.set(name, gl.getUniformLocation(program, name)!);
      }
      gl.useProgram(program);
      [...draw.reads.map((k) => `A${k}`), ...draw.sums.map((k) => `S${k}`)].forEach((name, unit) =>
        gl.uniform1i(uniforms.get(name) ?? null, unit)
      );
      return { ...draw, program, uniforms };
    },
    draw(compiled, { textures, targets, size, packed, integers, scalars }) {
      const complete = framebufferFor(targets.length);
      used.add(targets.length);
      attach(targets.length, targets);
      const [height, width] = size;
      // Asking makes the driver wait: once for each kind of target.
      if (!complete.has(packed)) {
        if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) return false;
        complete.add(packed);
      }
      gl.viewport(0, 0, width, height);
      gl.scissor(0, 0, width, height);
      gl.useProgram(compiled.program);
      gl.bindVertexArray(vao);
      textures.forEach((texture, unit) => {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, texture);
      });
      for (const [name, value] of Object.entries(integers)) {
        const location = compiled.uniforms.get(name);
        if (location) gl.uniform1i(location, value);
      }
      // Variables with the same history share their scalars.
      if (scalarsOf.get(compiled) !== scalars) {
        scalarsOf.set(compiled, scalars);
        for (const k of compiled.scalars) {
          gl.uniform1f(compiled.uniforms.get(`s${k}`) ?? null, scalars[k]!);
        }
      }
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      return true;
    },
    restore() {
      // An attachment would keep a texture that tfjs deletes.
      for (const count of used) {
        framebufferFor(count);
        attach(count, []);
      }
      used = new Set();
      gl.bindFramebuffer(gl.FRAMEBUFFER, gpgpu.framebuffer);
      gl.useProgram(gpgpu.program);
      gl.bindVertexArray(gpgpu.program?.vao ?? null);
    },
    release: ({ program }) => gl.deleteProgram(program),
  };
}

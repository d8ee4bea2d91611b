/**
 * Just enough of the WebAssembly binary format to write one module of SIMD functions.
 *
 * WebAssembly Core Specification 2.0, chapter 5.
 *
 * @module
 */

/** Value types. */
export const i32 = 0x7f, f32 = 0x7d, f64 = 0x7c, v128 = 0x7b;

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(low & 0x40)) || (value === -1 && (low & 0x40))) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** A function of a module. */
export interface WasmFunction {
  readonly name: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
  /** Types of the locals that follow the parameters. */
  readonly locals: readonly number[];
  /** Instructions without the final `end`. */
  readonly body: readonly number[];
}

/**
 * A module that imports `env.memory`, exports `globals` mutable f64 globals named `g0`, `g1`, …
 * and the given functions.
 */
export function encodeModule(
  functions: readonly WasmFunction[],
  globals: number,
  sharedMemory = false,
): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [
    0x60,
    ...vector(f.params.map((t) => [t])),
    ...vector(f.results.map((t) => [t])),
  ]);
  // A shared memory's type must state a maximum: 65,536 pages, all there can be.
  const limits = sharedMemory ? [0x03, 0x00, ...unsigned(65536)] : [0x00, 0x00];
  const exports = [
    ...functions.map((f, i) => [...name(f.name), 0x00, ...unsigned(i)]),
    ...Array.from({ length: globals }, (_, i) => [...name(`g${i}`), 0x03, ...unsigned(i)]),
  ];
  const code = functions.map((f) => {
    const body = [...vector(f.locals.map((t) => [1, t])), ...f.body, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...name("env"), ...name("memory"), 0x02, ...limits]])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(
      6,
      vector(Array.from({ length: globals }, () => [f64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b])),
    ),
    ...section(7, vector(exports)),
    ...section(10, vector(code)),
  ]);
}

/** An SIMD instruction. */
export function simd(opcode: number): number[] {
  return [0xfd, ...unsigned(opcode)];
}
/** `local.get` */
export function get(local: number): number[] {
  return [0x20, ...unsigned(local)];
}
/** `local.set` */
export function set(local: number): number[] {
  return [0x21, ...unsigned(local)];
}
/** `local.tee` */
export function tee(local: number): number[] {
  return [0x22, ...unsigned(local)];
}
/** `i32.const` */
export function int(value: number): number[] {
  return [0x41, ...signed(value)];
}

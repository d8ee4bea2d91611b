/**
 * Loops and addresses over the instructions of core's encoder: what the functions of this folder
 * are written in.
 *
 * @module
 */
import { wasmEncoder as w } from "@precond/core/backend";

/** Instructions that leave one value on the stack, or none. */
export type Code = readonly number[];

/** A function under construction: its parameters by name, and new locals. */
export interface Body<P extends string> {
  /** `local.get` of each parameter. */
  readonly args: Readonly<Record<P, Code>>;
  /** A new local of a type. */
  local(type?: number): number;
  /** `for (counter = from; counter + width <= to; counter += width)`; continues where `from` is left out. */
  loop(counter: number, to: Code, body: Code, options?: LoopOptions): Code;
}

interface LoopOptions {
  /** Where the counter starts; left out: where it is. */
  readonly from?: Code;
  /** What the counter grows by. */
  readonly width?: number;
}

const block = 0x02, loop = 0x03, end = 0x0b, br = 0x0c, brIf = 0x0d, empty = 0x40;

/** A function whose parameters are 32-bit integers: counts, and addresses and steps in bytes. */
export function wasmFunction<P extends string>(
  name: string,
  params: readonly P[],
  write: (body: Body<P>) => Code,
): w.WasmFunction {
  const locals: number[] = [];
  const body: Body<P> = {
    args: Object.fromEntries(params.map((p, i): [P, Code] => [p, w.get(i)])) as Record<P, Code>,
    local: (type = w.i32) => params.length + locals.push(type) - 1,
    loop: (counter, to, code, { from, width = 1 } = {}) => [
      ...(from ? [...from, ...w.set(counter)] : []),
      ...[block, empty, loop, empty],
      // Left as soon as fewer than `width` are left.
      ...add(w.get(counter), w.int(width - 1)),
      ...to,
      ...[0x4e, brIf, 1], // i32.ge_s
      ...code,
      ...advance(counter, w.int(width)),
      ...[br, 0, end, end],
    ],
  };
  const code = write(body);
  return { name, params: params.map(() => w.i32), results: [], locals, body: [...code] };
}

const binary = (opcode: Code) => (a: Code, b: Code): Code => [...a, ...b, ...opcode];

/** `i32.add` of all. */
export const add = (first: Code, ...rest: readonly Code[]): Code =>
  rest.reduce<Code>((sum, x) => [...sum, ...x, 0x6a], first);
/** `i32.sub` */
export const sub: (a: Code, b: Code) => Code = binary([0x6b]);
/** `i32.mul` */
export const mul: (a: Code, b: Code) => Code = binary([0x6c]);
/** Bytes of so many float32. */
export const floats = (count: Code): Code => [...count, ...w.int(2), 0x74];
/** Bytes of so many float64. */
export const doubles = (count: Code): Code => [...count, ...w.int(3), 0x74];
/** `local = local + amount` */
export const advance = (local: number, amount: Code): Code => [
  ...add(w.get(local), amount),
  ...w.set(local),
];
/** The smaller of two signed integers; evaluates both twice. */
export const least = (a: Code, b: Code): Code => [...a, ...b, ...a, ...b, 0x48, 0x1b];
/** The larger of two signed integers; evaluates both twice. */
export const largest = (a: Code, b: Code): Code => [...a, ...b, ...a, ...b, 0x4a, 0x1b];
/** `local = value` */
export const put = (local: number, value: Code): Code => [...value, ...w.set(local)];
/** `i32.load` */
export const loadInt = (address: Code): Code => [...address, 0x28, 2, 0];
/** Four float32, or one in the first lane with zeros behind. */
export const load = (address: Code, offset = 0, width: 1 | 4 = 4): Code => [
  ...address,
  ...(width === 4 ? w.simd(0x00) : w.simd(0x5c)),
  ...[2, ...w.unsigned(offset)],
];
/** Two float32 in the first two lanes, zeros behind. */
export const loadPair = (address: Code, offset = 0): Code => [
  ...address,
  ...w.simd(0x5d),
  ...[2, ...w.unsigned(offset)],
];
/** One float32 in all lanes. */
export const loadSplat = (address: Code, offset = 0): Code => [
  ...address,
  ...w.simd(0x09),
  ...[2, ...w.unsigned(offset)],
];
/** Stores four lanes, or the first. */
export const store = (address: Code, value: Code, offset = 0, width: 1 | 4 = 4): Code => [
  ...address,
  ...value,
  ...(width === 4
    ? [...w.simd(0x0b), 2, ...w.unsigned(offset)]
    : [...w.simd(0x5a), 2, ...w.unsigned(offset), 0]),
];
/** Two float64. */
export const loadDoubles = (address: Code, offset = 0): Code => [
  ...address,
  ...w.simd(0x00),
  ...[3, ...w.unsigned(offset)],
];
/** Stores two float64. */
export const storeDoubles = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  ...w.simd(0x0b),
  ...[3, ...w.unsigned(offset)],
];
/** `f32x4.add` */
export const addVectors: (a: Code, b: Code) => Code = binary(w.simd(0xe4));
/** `f32x4.mul` */
export const mulVectors: (a: Code, b: Code) => Code = binary(w.simd(0xe6));
/** `f32x4.eq` */
export const equalLanes: (a: Code, b: Code) => Code = binary(w.simd(0x41));
/** `v128.and` */
export const and: (a: Code, b: Code) => Code = binary(w.simd(0x4e));
/** `v128.andnot`: a and not b. */
export const andNot: (a: Code, b: Code) => Code = binary(w.simd(0x4f));
/** `v128.or` */
export const or: (a: Code, b: Code) => Code = binary(w.simd(0x50));
/** `f64x2.add` */
export const addDoubles: (a: Code, b: Code) => Code = binary(w.simd(0xf0));
/** The first two float32 as float64. */
export const promoteLow = (a: Code): Code => [...a, ...w.simd(0x5f)];
/** Two float64 as float32, zeros behind. */
export const demote = (a: Code): Code => [...a, ...w.simd(0x5e)];
/** A vector of zeros. */
export const zeros: Code = [...w.simd(0x0c), ...new Array(16).fill(0)];

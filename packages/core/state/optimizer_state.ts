/**
 * Optimizer states as safetensors files.
 *
 * @module
 */
import type { Sides } from "../basis/sides.ts";
import type { Chain } from "../chain/chain.ts";
import { chainFor, type Definition } from "../chain/per_parameter.ts";
import { checkSetRate, type SetRate } from "../chain/rate.ts";
import { slotsOf } from "../chain/slots.ts";
import type { Scalars } from "../chain/types.ts";
import type { Backend } from "../driver/backend.ts";
import type { Driver } from "../driver/driver.ts";
import type { DriverState, ParameterState } from "../driver/driver_state.ts";
import { type NamedArray, readSafetensors, writeSafetensors } from "./safetensors.ts";

const format = "precond", version = "1";
const separator = "::";

/** The name of the tensor of a parameter's slot. */
export const tensorName = (parameter: string, slot: string): string => parameter + separator + slot;

/** What is saved of a parameter beside its arrays. */
export interface SavedParameter {
  readonly shape: readonly number[];
  readonly signature: string;
  readonly step: number;
  readonly samples: { readonly gradientSquares: number; readonly curvature: number };
  /** By stage, not by position: stages without slots may come and go. */
  readonly scalars: Readonly<Record<string, Scalars>> | null;
  /** What its chain's basis rotates. */
  readonly sides?: Sides;
}

const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;

const isSides = ({ rows, columns, left, right }: Partial<Sides>, shape: readonly number[]) =>
  typeof left === "boolean" && typeof right === "boolean" && isCount(rows) && isCount(columns) &&
  rows! * columns! === shape.reduce((a, b) => a * b, 1);

function isDamaged(entry: SavedParameter | undefined): boolean {
  return !Array.isArray(entry?.shape) || !isCount(entry.step) ||
    typeof entry.scalars !== "object" ||
    !isCount(entry.samples?.gradientSquares) || !isCount(entry.samples?.curvature) ||
    (entry.sides !== undefined && !isSides(entry.sides, entry.shape));
}

/** A slot on its way out of or into an optimizer. */
export interface StateTensor<A> {
  /** `parameter::stage.slot` */
  readonly name: string;
  readonly shape: readonly number[];
  readonly array: A;
}

/** A driver's state as live arrays and one JSON text with step counts and float64 scalars. */
export function exportState<A>(driver: Driver<A>): {
  readonly json: string;
  readonly tensors: readonly StateTensor<A>[];
} {
  const { iteration, parameters, learningRate, past } = driver.state();
  const tensors: StateTensor<A>[] = [];
  const saved: [string, SavedParameter][] = [];
  for (const [name, state] of parameters) {
    const { shape, signature, step, samples, scalars, sides } = state;
    const chain = chainFor(driver.definition, { name, shape });
    const byStage = scalars &&
      Object.fromEntries(chain.stages.map((stage, i) => [stage.name, scalars[i]!]));
    const basis = sides ? { sides } : {};
    saved.push([name, { shape, signature, step, samples, scalars: byStage ?? null, ...basis }]);
    for (const slot of slotsOf(chain, shape, sides)) {
      tensors.push({
        name: tensorName(name, slot.name),
        shape: slot.shape,
        array: state.slots[slot.name]!,
      });
    }
  }
  return { json: stateText({ iteration, learningRate, past }, saved), tensors };
}

/** The JSON text of a state. */
export function stateText(
  { iteration, learningRate, past }: Omit<DriverState<unknown>, "parameters">,
  parameters: readonly (readonly [name: string, saved: SavedParameter])[],
): string {
  return JSON.stringify({
    version,
    iteration,
    learningRate,
    past,
    parameters: Object.fromEntries(parameters),
  });
}

/**
 * Saves a driver's state as a safetensors file: each slot as the tensor `parameter::stage.slot`,
 * step counts and float64 scalars in the header's metadata.
 */
export async function saveState<A>(
  driver: Driver<A>,
  backend: Backend<A>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { json, tensors } = exportState(driver);
  // Reads begin together, so that the state cannot change between them.
  const values = await Promise.all(tensors.map(({ array }) => backend.read(array)));
  const named = tensors.map(({ name, shape }, i): [string, NamedArray] => [
    name,
    { shape, values: values[i]! },
  ]);
  return writeState({ json, tensors: new Map(named) });
}

/** A state that is nobody's: what {@linkcode exportState} gives, read from its backend. */
export interface SavedOptimizer {
  readonly json: string;
  /** By `parameter::stage.slot`. */
  readonly tensors: ReadonlyMap<string, NamedArray>;
}

/** The file of {@linkcode saveState}. */
export function writeState({ json, tensors }: SavedOptimizer): Uint8Array<ArrayBuffer> {
  return writeSafetensors({ tensors, metadata: { format, version, state: json } });
}

/** What `read` gives of a file; errors say what it was read for, as which of several it is. */
export function readingFor<T>(action: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new TypeError(`Cannot ${action}: ${cause.message}`, { cause });
  }
}

/**
 * What is in a file of {@linkcode saveState}.
 *
 * @throws {TypeError} If it is none.
 */
export function readState(
  bytes: Uint8Array,
  action: string,
  read: typeof readSafetensors = readSafetensors,
): SavedOptimizer {
  const { tensors, metadata } = read(bytes);
  if (metadata.format !== format) {
    throw new TypeError(
      `Cannot ${action}: the file's format is "${metadata.format}", expected "${format}"`,
    );
  }
  return { json: metadata.state ?? "", tensors };
}

/** What the JSON text of a state says. */
export interface SavedState {
  readonly iteration: number;
  /** Absent in files of optimizers that follow their schedule. */
  readonly learningRate?: SetRate;
  /** Absent in those that no merged state is behind. */
  readonly past?: readonly string[];
  readonly parameters: Readonly<Record<string, SavedParameter>>;
}

/**
 * Reads the JSON text of a state.
 *
 * @throws {TypeError} If it is damaged, or of another version.
 */
export function parseState(json: string, action: string): SavedState {
  let state;
  try {
    state = JSON.parse(json);
  } catch (cause) {
    throw new TypeError(`Cannot ${action}: its saved state is not JSON`, { cause });
  }
  if (state?.version !== version) {
    throw new TypeError(
      `Cannot ${action}: its saved state has version ${state?.version}, this library reads version ${version}`,
    );
  }
  const { iteration, learningRate: rate, past, parameters } = state;
  const ratesWell = rate === undefined || (rate?.value >= 0 && isCount(rate.since));
  const pastWell = past === undefined ||
    Array.isArray(past) && past.every((id) => typeof id === "string");
  const isWell = isCount(iteration) && ratesWell && pastWell;
  if (!isWell || typeof parameters !== "object" || !parameters) {
    throw new TypeError(`Cannot ${action}: its saved state is damaged`);
  }
  return state;
}

const restoring = "restore the optimizer";

/**
 * Restores what {@linkcode saveState} saved. Either everything is restored or nothing changes.
 *
 * @param shapes Shapes of the current parameters, as far as they are known.
 * @throws {TypeError} If the file is damaged, or belongs to another chain or other shapes.
 */
export function loadState<A>(
  bytes: Uint8Array,
  driver: Driver<A>,
  backend: Backend<A>,
  shapes: ReadonlyMap<string, readonly number[]> = new Map(),
): void {
  const { json, tensors } = readState(bytes, restoring);
  const made: A[] = [];
  const take = (name: string, shape: readonly number[]) => {
    const array = backend.write(tensors.get(name)!.values, shape);
    made.push(array);
    return array;
  };
  const known = new Map([...tensors].map(([name, tensor]) => [name, tensor.shape]));
  try {
    importState(json, known, take, driver, shapes);
  } catch (error) {
    made.forEach((array) => backend.dispose(array));
    throw error;
  }
}

/** The scalars of each stage, in the order of the chain; undefined before the first step. */
export function stageScalars(chain: Chain, { scalars }: SavedParameter): Scalars[] | undefined {
  return scalars ? chain.stages.map((stage) => scalars[stage.name] ?? {}) : undefined;
}

/** A parameter in a file, and what it is to go to. */
export interface FoundParameter {
  readonly name: string;
  readonly entry: SavedParameter;
  /** Shapes of the file's arrays. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  readonly definition: Definition;
  /** Where it is known. */
  readonly current?: readonly number[] | undefined;
}

/**
 * The chain of a saved parameter, and its slots with the names of their tensors.
 *
 * @throws {TypeError} If the entry is damaged, of another chain, or an array is not there.
 */
export function checkEntry(
  action: string,
  { name, entry, tensors, definition, current }: FoundParameter,
): { readonly chain: Chain; readonly slots: (readonly [slot: string, key: string])[] } {
  if (isDamaged(entry)) {
    throw new TypeError(`Cannot ${action}: its entry in the file is damaged`);
  }
  if (current && current.join() !== entry.shape.join()) {
    throw new TypeError(
      `Cannot ${action}: saved shape is [${entry.shape}], current shape is [${current}]`,
    );
  }
  const chain = chainFor(definition, { name, shape: entry.shape });
  if (chain.signature !== entry.signature) {
    throw new TypeError(
      `Cannot ${action}: saved by the chain "${entry.signature}", current chain is "${chain.signature}"`,
    );
  }
  const slots = slotsOf(chain, entry.shape, entry.sides).map((slot) => {
    const key = tensorName(name, slot.name);
    const found = tensors.get(key);
    const expected = slot.shape.join();
    if (found?.join() !== expected) {
      throw new TypeError(
        `Cannot ${action.replace(`"${name}"`, () => `"${key}"`)}: ${
          found ? `saved shape is [${found}]` : "it is not in the file"
        }, expected shape is [${expected}]`,
      );
    }
    return [slot.name, key] as const;
  });
  return { chain, slots };
}

/**
 * Restores what {@linkcode exportState} gave: checks everything first, then takes the arrays by
 * `take` and replaces the driver's state.
 */
export function importState<A>(
  json: string,
  tensors: ReadonlyMap<string, readonly number[]>,
  take: (name: string, shape: readonly number[]) => A,
  driver: Driver<A>,
  shapes: ReadonlyMap<string, readonly number[]> = new Map(),
): void {
  const { iteration, learningRate, past, parameters: saved } = parseState(json, restoring);
  if (learningRate) checkSetRate(driver.definition, learningRate.value, learningRate.since);
  const wanted: {
    name: string;
    entry: SavedParameter;
    scalars: readonly Scalars[] | undefined;
    slots: (readonly [slot: string, key: string])[];
  }[] = [];
  for (const [name, entry] of Object.entries(saved)) {
    const { definition } = driver;
    const found = { name, entry, tensors, definition, current: shapes.get(name) };
    const { chain, slots } = checkEntry(`restore "${name}"`, found);
    wanted.push({ name, entry, scalars: stageScalars(chain, entry), slots });
  }
  // Equal scalars become one object again, as they were: steps compare them by identity.
  const shared = new Map<string, readonly Scalars[]>();
  const parameters = new Map(wanted.map(({ name, entry, scalars, slots }) => {
    const key = JSON.stringify(scalars);
    if (scalars && !shared.has(key)) shared.set(key, scalars);
    const state: ParameterState<A> = {
      shape: entry.shape,
      signature: entry.signature,
      step: entry.step,
      samples: entry.samples,
      scalars: shared.get(key),
      ...(entry.sides ? { sides: entry.sides } : {}),
      slots: Object.fromEntries(
        slots.map(([slot, key]) => [slot, take(key, tensors.get(key)!)]),
      ),
    };
    return [name, state];
  }));
  const state: DriverState<A> = { iteration, parameters, learningRate, past };
  driver.replaceState(state);
}

/**
 * Optimizer states as safetensors files.
 *
 * @module
 */
import type { Sides } from "../basis/sides.ts";
import { chainFor } from "../chain/per_parameter.ts";
import { checkSetRate, type SetRate } from "../chain/rate.ts";
import { slotsOf } from "../chain/slots.ts";
import type { Scalars } from "../chain/types.ts";
import type { Backend } from "../driver/backend.ts";
import type { Driver } from "../driver/driver.ts";
import type { DriverState, ParameterState } from "../driver/driver_state.ts";
import { type NamedArray, readSafetensors, writeSafetensors } from "./safetensors.ts";

const format = "precond", version = "1";
const separator = "::";

interface SavedParameter {
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
  const { iteration, parameters, learningRate } = driver.state();
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
        name: name + separator + slot.name,
        shape: slot.shape,
        array: state.slots[slot.name]!,
      });
    }
  }
  return {
    json: JSON.stringify({
      version,
      iteration,
      learningRate,
      parameters: Object.fromEntries(saved),
    }),
    tensors,
  };
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
  return writeSafetensors({
    tensors: new Map(
      tensors.map(({ name, shape }, i): [string, NamedArray] => [
        name,
        { shape, values: values[i]! },
      ]),
    ),
    metadata: { format, version, state: json },
  });
}

interface SavedState {
  readonly iteration: number;
  /** Absent in files of optimizers that follow their schedule. */
  readonly learningRate?: SetRate;
  readonly parameters: Readonly<Record<string, SavedParameter>>;
}

function parse(json: string): SavedState {
  let state;
  try {
    state = JSON.parse(json);
  } catch (cause) {
    throw new TypeError("Cannot restore the optimizer: its saved state is not JSON", { cause });
  }
  if (state?.version !== version) {
    throw new TypeError(
      `Cannot restore the optimizer: its saved state has version ${state?.version}, this library reads version ${version}`,
    );
  }
  const { iteration, learningRate: rate, parameters } = state;
  const ratesWell = rate === undefined || (rate?.value >= 0 && isCount(rate.since));
  if (!isCount(iteration) || typeof parameters !== "object" || !parameters || !ratesWell) {
    throw new TypeError("Cannot restore the optimizer: its saved state is damaged");
  }
  return state;
}

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
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== format) {
    throw new TypeError(
      `Cannot restore the optimizer: the file's format is "${metadata.format}", expected "${format}"`,
    );
  }
  const made: A[] = [];
  const take = (name: string, shape: readonly number[]) => {
    const array = backend.write(tensors.get(name)!.values, shape);
    made.push(array);
    return array;
  };
  const known = new Map([...tensors].map(([name, tensor]) => [name, tensor.shape]));
  try {
    importState(metadata.state ?? "", known, take, driver, shapes);
  } catch (error) {
    made.forEach((array) => backend.dispose(array));
    throw error;
  }
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
  const { iteration, learningRate, parameters: saved } = parse(json);
  if (learningRate) checkSetRate(driver.definition, learningRate.value, learningRate.since);
  const wanted: {
    name: string;
    entry: SavedParameter;
    scalars: readonly Scalars[] | undefined;
    slots: (readonly [slot: string, key: string])[];
  }[] = [];
  for (const [name, entry] of Object.entries(saved)) {
    if (isDamaged(entry)) {
      throw new TypeError(`Cannot restore "${name}": its entry in the file is damaged`);
    }
    const current = shapes.get(name);
    if (current && current.join() !== entry.shape.join()) {
      throw new TypeError(
        `Cannot restore "${name}": saved shape is [${entry.shape}], current shape is [${current}]`,
      );
    }
    const chain = chainFor(driver.definition, { name, shape: entry.shape });
    if (chain.signature !== entry.signature) {
      throw new TypeError(
        `Cannot restore "${name}": saved by the chain "${entry.signature}", current chain is "${chain.signature}"`,
      );
    }
    const slots = slotsOf(chain, entry.shape, entry.sides).map((slot) => {
      const key = name + separator + slot.name;
      const found = tensors.get(key);
      const expected = slot.shape.join();
      if (found?.join() !== expected) {
        throw new TypeError(
          `Cannot restore "${key}": ${
            found ? `saved shape is [${found}]` : "it is not in the file"
          }, expected shape is [${expected}]`,
        );
      }
      return [slot.name, key] as const;
    });
    const scalars = entry.scalars
      ? chain.stages.map((stage) => entry.scalars![stage.name] ?? {})
      : undefined;
    wanted.push({ name, entry, scalars, slots });
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
  const state: DriverState<A> = { iteration, parameters, learningRate };
  driver.replaceState(state);
}

/**
 * The inputs of graphs: names, element types, sizes.
 *
 * @module
 */
import type { ClassLabels, ValueInfoProto } from "@precond/onnx";
import { DataType } from "@precond/onnx/on_demand";
import type { Tensor } from "../hosts/ort.ts";

/** An input that the caller feeds. */
export interface InputInfo {
  readonly name: string;
  /** ONNX's number of the element type. */
  readonly type: number | undefined;
  /** Sizes; a string is free. Undefined where the rank is not declared. */
  readonly dims: readonly (number | string)[] | undefined;
  /** What class indices may be, for inputs that hold them. */
  readonly labels?: ClassLabels | undefined;
}

/** The shape of a float value with no free sizes. */
export function fixedDims(value: ValueInfoProto): number[] | undefined {
  const { type, dims } = inputInfo(value);
  return type === DataType.FLOAT && dims?.every((d) => typeof d === "number") === true
    ? dims as number[]
    : undefined;
}

export function inputInfo({ name, type }: ValueInfoProto): InputInfo {
  if (type?.value?.$case !== "tensorType") return { name, type: undefined, dims: undefined };
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map((d, k) => {
    if (d.value?.$case === "dimParam" && d.value.value !== "") return d.value.value;
    // Free sizes without a name have nothing to do with each other; some exporters write −1.
    const size = d.value?.$case === "dimValue" ? Number(d.value.value) : -1;
    return size < 0 ? `${name}.${k}` : size;
  });
  return { name, type: elemType, dims };
}

/** An input with numbers for the sizes that have them: its batches must have these. */
export function sizedInput<Info extends InputInfo>(
  info: Info,
  sizes: Readonly<Record<string, number>>,
): Info {
  const numberOf = (d: number | string) => Object.hasOwn(sizes, d) ? sizes[d]! : d;
  return { ...info, dims: info.dims?.map(numberOf) };
}

/** The shape of an input for random numbers, from the sizes that the other inputs have. */
export function uniformDims(
  { name, dims }: InputInfo,
  feeds: Readonly<Record<string, Tensor>>,
  inputs: readonly InputInfo[],
): number[] {
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    const { dims } = feeds[input.name] ?? {};
    input.dims?.forEach((d, k) => {
      if (typeof d === "string" && dims !== undefined) sizes.set(d, dims[k]!);
    });
  }
  return (dims ?? []).map((d) => {
    const size = typeof d === "number" ? d : sizes.get(d);
    if (size === undefined) {
      throw new TypeError(`Cannot draw "${name}": size "${d}" does not appear in any other input`);
    }
    return size;
  });
}

/**
 * What memory_test.ts runs in a process of its own: reads a model with an initializer of 256 MiB
 * and prints how much memory that took, as JSON.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import process from "node:process";
import { readModel } from "./read_model.ts";
import { tensorData } from "./tensor.ts";

const SIZE = 256 * 2 ** 20;

/** What the program found, in bytes. */
export interface MemoryReport {
  readonly size: number;
  readonly buffers: number;
  readonly heap: number;
}

/** A file with one float initializer; written by hand, so that the writer leaves no garbage. */
function modelFile(): Uint8Array {
  const tag = (number: number) => (number << 3 | WireType.LengthDelimited) >>> 0;
  const tensorHead = new BinaryWriter().uint32(1 << 3).int64(BigInt(SIZE / 4))
    .uint32(2 << 3).int32(1).uint32(tag(8)).string("w").uint32(tag(9)).uint32(SIZE).finish();
  const graphHead = new BinaryWriter().uint32(tag(5)).uint32(tensorHead.length + SIZE).finish();
  const modelHead = new BinaryWriter().uint32(1 << 3).int64(8n)
    .uint32(tag(7)).uint32(graphHead.length + tensorHead.length + SIZE).finish();
  const head = [...modelHead, ...graphHead, ...tensorHead];
  // The initializer starts at a multiple of 4, so that its elements can be a view: a producer name
  // (field 2) of the right length in front of the graph.
  const padding = (4 - (head.length + 2) % 4) % 4;
  const file = new Uint8Array(2 + padding + head.length + SIZE);
  file.set([tag(2), padding, ...new Array(padding).fill(0x20), ...head]);
  return file;
}

if (import.meta.main) {
  const file = modelFile();
  const before = process.memoryUsage();
  const model = readModel(file);
  const data = tensorData(model.graph!.initializer[0]!);
  const after = process.memoryUsage();
  if (data.byteLength !== SIZE || data.buffer !== file.buffer) throw new Error("not a view");
  const buffers = after.external - before.external;
  const report: MemoryReport = { size: SIZE, buffers, heap: after.heapTotal - before.heapTotal };
  console.log(JSON.stringify(report));
}

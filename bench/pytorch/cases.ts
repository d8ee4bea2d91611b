/** @module */
import { cnnCase, mlpCase, type OnnxCase, transformerCase } from "../onnx/cases.ts";

/** A network that both sides train. */
export interface PytorchCase extends OnnxCase {
  /** What process.py is to make: a name, and what it cannot see in the shapes. */
  readonly python: readonly [model: string, ...more: number[]];
}

const block = { width: 128, heads: 4, length: 64, batch: 8 };
const blocks = { layers: 4, width: 256, heads: 8, length: 128, batch: 4 };

/** What `pytorch.ts` measures. */
export const pytorchCases: readonly PytorchCase[] = [
  { ...mlpCase([784, 500, 10], 64), python: ["mlp"] },
  { ...cnnCase(64), python: ["cnn"] },
  { ...transformerCase(block), python: ["transformer", 1, block.heads] },
  { ...transformerCase(blocks), python: ["transformer", blocks.layers, blocks.heads] },
];

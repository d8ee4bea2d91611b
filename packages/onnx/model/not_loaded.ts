/** @module */
import { OnnxError } from "./onnx_error.ts";

/** Code that is not there yet; `loading()` of `@precond/onnx/on_demand` waits for it. */
export class NotLoaded extends OnnxError {
  /** Loads it. */
  readonly load: () => Promise<unknown>;

  constructor(what: string, load: () => Promise<unknown>) {
    super(`Cannot go on: ${what} not loaded yet; call it in loading()`);
    this.load = load;
  }
}

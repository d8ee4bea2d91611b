/** @module */
import type { DataType } from "../model/data_type.ts";
import type { Dim } from "./dims.ts";

/** What is known of a value: its element type, and its shape where the rank is known. */
export interface ValueType {
  readonly dataType: DataType;
  readonly dims?: readonly Dim[] | undefined;
}

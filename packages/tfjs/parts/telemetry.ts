/** Reports of the noise. @module */
import { createWatcher } from "@precond/core/backend";
import { readNumbers } from "../evidence/read_numbers.ts";
import { createWatchers } from "../evidence/watchers.ts";
import { provide } from "./registry.ts";

provide("telemetry", { createWatcher, createWatchers, readNumbers });

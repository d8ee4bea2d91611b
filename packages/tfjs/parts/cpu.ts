/** Updates on the cpu backend. @module */
import { cpuKernel, multiplyOnCpu } from "../backends/cpu.ts";
import { checked } from "../backends/checked_products.ts";
import { provideBackend } from "./registry.ts";

provideBackend("cpu", { kernel: cpuKernel, multiply: checked(multiplyOnCpu) });

/** Updates on the webgl backend. @module */
import { webglKernelFor } from "../backends/webgl.ts";
import { provideBackend } from "./registry.ts";

provideBackend("webgl", { kernel: webglKernelFor });

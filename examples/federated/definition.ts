import { adam, type Definition } from "@precond/core";

/** The optimizer of all clients: states are merged between equal ones. */
export const definition: Definition = adam({ learningRate: 0.03 });

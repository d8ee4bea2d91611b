/**
 * What one has without this library: the host's optimizers, tuned, and at the rates that the host gives
 * them. On ONNX Runtime, which has none for JavaScript, and on the theory problems ours take their
 * place, which are the same formulas.
 *
 * @module
 */
import { adam, adamW, rmsProp, sgd } from "@precond/core";
import { both, type Method, network, onNetworks } from "./method.ts";

/** The epsilon that tfjs adds. */
const epsilon = 1e-7;

/** The host's, each tuned like every other method. */
export const hostMethods: readonly Method[] = [
  {
    name: "sgd",
    title: "SGD",
    family: "host",
    mode: "none",
    about: "w −= η g; tf.train.sgd on networks in tfjs.",
    centre: { theory: 0.1, network: 0.2 },
    settings: both,
    host: "sgd",
    predictedAs: "sgd",
    definition: (learningRate) => sgd({ learningRate }),
  },
  {
    name: "momentum",
    title: "SGD + momentum 0.9",
    family: "host",
    mode: "none",
    about: "Heavy-ball SGD; tf.train.momentum on networks in tfjs.",
    centre: { theory: 0.05, network: 0.03 },
    settings: both,
    host: "momentum",
    definition: (learningRate) => sgd({ learningRate, momentum: 0.9 }),
  },
  {
    name: "adam",
    title: "Adam",
    family: "host",
    mode: "none",
    about:
      "tf.train.adam on networks in tfjs, ours on ONNX Runtime and the theory problems; ε = 1e-7.",
    centre: { theory: 0.05, network: 0.004 },
    settings: both,
    host: "adam",
    definition: (learningRate) => adam({ learningRate, epsilon }),
  },
  {
    name: "rmsprop",
    title: "RMSProp",
    family: "host",
    mode: "none",
    about: "tf.train.rmsprop on networks in tfjs, ours on ONNX Runtime; decay 0.9, ε = 1e-7.",
    fullOnly: true,
    ...onNetworks(0.002),
    host: "rmsprop",
    definition: (learningRate) => rmsProp({ learningRate, epsilon }),
  },
  {
    name: "precond-adam",
    title: "Adam (ours)",
    family: "ours",
    mode: "none",
    about: "Our Adam on networks; should match the host's.",
    fullOnly: true,
    centre: { theory: 0.05, network: 0.004 },
    settings: network,
    definition: (learningRate) => adam({ learningRate, epsilon }),
  },
  {
    name: "adamw",
    title: "AdamW, decay 0.01",
    family: "ours",
    mode: "none",
    about: "Our Adam with decoupled weight decay 0.01 and the problem's schedule; ε = 1e-7.",
    fullOnly: true,
    centre: { theory: 0.05, network: 0.004 },
    settings: network,
    definition: (learningRate) => adamW({ learningRate, weightDecay: 0.01, epsilon }),
  },
];

/**
 * The host's at a rate that nobody chose. Adam, RMSProp and SGD have those that `model.compile({
 * optimizer: "adam" })` of tfjs-layers gives them (.001, .001 and .01; `tf.train.adam()` has the same).
 * Momentum has none in the host: .01 and .9 are what most code has, SGD's rate among them.
 */
export const hostDefaults: readonly Method[] = [
  {
    name: "adam-default",
    title: "Adam, η 0.001",
    family: "host",
    mode: "none",
    about: "tf.train.adam() without options: η 0.001 throughout, nothing tuned.",
    ...onNetworks(1e-3),
    host: "adam",
    shipped: true,
    definition: () => adam({ learningRate: 1e-3, epsilon }),
  },
  {
    name: "rmsprop-default",
    title: "RMSProp, η 0.001",
    family: "host",
    mode: "none",
    about: "RMSProp as model.compile() makes it: η 0.001 throughout, nothing tuned.",
    fullOnly: true,
    ...onNetworks(1e-3),
    host: "rmsprop",
    shipped: true,
    definition: () => rmsProp({ learningRate: 1e-3, epsilon }),
  },
  {
    name: "sgd-default",
    title: "SGD, η 0.01",
    family: "host",
    mode: "none",
    about: "SGD as model.compile() makes it: η 0.01 throughout, nothing tuned.",
    fullOnly: true,
    ...onNetworks(0.01),
    host: "sgd",
    shipped: true,
    definition: () => sgd({ learningRate: 0.01 }),
  },
  {
    name: "momentum-default",
    title: "SGD + momentum 0.9, η 0.01",
    family: "host",
    mode: "none",
    about: "tf.train.momentum(0.01, 0.9), as most code has it: nothing tuned.",
    fullOnly: true,
    ...onNetworks(0.01),
    host: "momentum",
    shipped: true,
    definition: () => sgd({ learningRate: 0.01, momentum: 0.9 }),
  },
];

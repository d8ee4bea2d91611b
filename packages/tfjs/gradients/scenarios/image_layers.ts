/**
 * Layers of images, sequences and volumes: convolutions and pooling.
 *
 * @module
 */
import { layers } from "@tensorflow/tfjs-layers";
import { apart, image, type LayerCase, line, negative, volume } from "./layer_case.ts";

const convolutions: LayerCase[] = [
  { layer: "conv1d", inputs: [line], make: () => layers.conv1d({ filters: 4, kernelSize: 3 }) },
  {
    layer: "conv1d",
    setting: "strides, same",
    inputs: [line],
    make: () => layers.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  {
    layer: "conv2d",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: [3, 2] }),
  },
  {
    layer: "conv2d",
    setting: "strides, same",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  {
    layer: "conv2d",
    setting: "1×1, elu",
    lift: 4,
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 1, activation: "elu" }),
  },
  {
    layer: "conv2d",
    setting: "channelsFirst",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 3, dataFormat: "channelsFirst" }),
  },
  {
    layer: "conv2d",
    setting: "dilations",
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2 }),
  },
  {
    layer: "conv2d",
    setting: "dilations, elu",
    lift: 4,
    inputs: [image],
    make: () => layers.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2, activation: "elu" }),
  },
  {
    layer: "conv2dTranspose",
    inputs: [image],
    make: () => layers.conv2dTranspose({ filters: 4, kernelSize: 3 }),
  },
  {
    layer: "conv2dTranspose",
    setting: "strides, same",
    inputs: [image],
    make: () => layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
  },
  { layer: "conv3d", inputs: [volume], make: () => layers.conv3d({ filters: 3, kernelSize: 2 }) },
  {
    layer: "conv3d",
    setting: "strides, same",
    inputs: [volume],
    make: () => layers.conv3d({ filters: 3, kernelSize: 2, strides: 2, padding: "same" }),
  },
  {
    layer: "conv3dTranspose",
    inputs: [volume],
    make: () => layers.conv3dTranspose({ filters: 3, kernelSize: 2 }),
  },
  {
    layer: "conv3dTranspose",
    setting: "strides, same",
    inputs: [volume],
    make: () => layers.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, padding: "same" }),
  },
  {
    layer: "depthwiseConv2d",
    inputs: [image],
    make: () => layers.depthwiseConv2d({ kernelSize: 3 }),
  },
  {
    layer: "depthwiseConv2d",
    setting: "strides, same, multiplier 2",
    inputs: [image],
    make: () =>
      layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }),
  },
  {
    layer: "depthwiseConv2d",
    setting: "dilations",
    inputs: [image],
    make: () => layers.depthwiseConv2d({ kernelSize: 2, dilationRate: [2, 2] }),
  },
  {
    layer: "separableConv2d",
    inputs: [image],
    make: () => layers.separableConv2d({ filters: 4, kernelSize: 3 }),
  },
  {
    layer: "cropping2D",
    inputs: [image],
    make: () => layers.cropping2D({ cropping: [[1, 1], [0, 1]] }),
  },
  {
    layer: "zeroPadding2d",
    inputs: [image],
    make: () => layers.zeroPadding2d({ padding: [[1, 0], [2, 1]] }),
  },
  { layer: "upSampling2d", inputs: [image], make: () => layers.upSampling2d({ size: [2, 3] }) },
  {
    layer: "upSampling2d",
    setting: "bilinear",
    inputs: [image],
    make: () => layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" as "nearest" }),
  },
  { layer: "centerCrop", inputs: [image], make: () => layers.centerCrop({ height: 3, width: 2 }) },
];

const pools: LayerCase[] = (["max", "average"] as const).flatMap((kind) => {
  const domain = kind === "max" ? { domain: apart } : {};
  const one = layers[`${kind}Pooling1d`],
    two = layers[`${kind}Pooling2d`],
    three = layers[`${kind}Pooling3d`];
  const same = { padding: "same" as const };
  const cases: LayerCase[] = [
    { layer: `${kind}Pooling1d`, inputs: [line], make: () => one({ poolSize: 2 }) },
    {
      layer: `${kind}Pooling1d`,
      setting: "same",
      inputs: [line],
      make: () => one({ poolSize: 3, strides: 2, ...same }),
    },
    { layer: `${kind}Pooling2d`, inputs: [image], make: () => two({ poolSize: 2 }) },
    {
      layer: `${kind}Pooling2d`,
      setting: "overlapping, same",
      inputs: [image],
      make: () => two({ poolSize: 3, strides: 2, ...same }),
    },
    {
      layer: `${kind}Pooling3d`,
      inputs: [volume],
      make: () => three({ poolSize: 2, dataFormat: "channelsLast", strides: 2, padding: "valid" }),
    },
    {
      layer: `${kind}Pooling3d`,
      setting: "same",
      inputs: [volume],
      make: () => three({ poolSize: [3, 2, 3], dataFormat: "channelsLast", strides: 2, ...same }),
    },
  ];
  return cases.map((test) => ({ ...test, ...domain }));
});

const pooling: LayerCase[] = [
  ...pools,
  ...(["2d", "3d"] as const).map((rank): LayerCase => {
    const config = {
      poolSize: 2,
      strides: 2,
      padding: "valid" as const,
      dataFormat: "channelsLast" as const,
    };
    return {
      layer: `maxPooling${rank}`,
      setting: "negative maxima",
      inputs: [rank === "2d" ? image : volume],
      make: () => rank === "2d" ? layers.maxPooling2d(config) : layers.maxPooling3d(config),
      domain: negative,
    };
  }),
  { layer: "globalAveragePooling1d", inputs: [line], make: () => layers.globalAveragePooling1d() },
  {
    layer: "globalAveragePooling2d",
    inputs: [image],
    make: () => layers.globalAveragePooling2d({}),
  },
  {
    layer: "globalMaxPooling1d",
    inputs: [line],
    make: () => layers.globalMaxPooling1d(),
    domain: apart,
  },
  {
    layer: "globalMaxPooling2d",
    inputs: [image],
    make: () => layers.globalMaxPooling2d({}),
    domain: apart,
  },
];

/** Convolutions, pooling and what else moves pixels. */
export const imageLayers: readonly LayerCase[] = [...convolutions, ...pooling];

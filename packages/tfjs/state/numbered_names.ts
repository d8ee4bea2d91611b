/**
 * Names that TensorFlow.js counts up: they say what a variable is only together with those beside it.
 *
 * @module
 */

/** A name that holds a number of TensorFlow.js's own. */
export interface NumberedName {
  /** What is counted: "" for variables without a name, else a class of layers, such as "dense_Dense". */
  readonly family: string;
  /** Its number among those of its family: layers made one after another have one after another. */
  readonly number: number;
  /** Which of the layer's weights it is. */
  readonly weight: string;
}

/** `dense_Dense12`: the name that tfjs-layers gives to the 12th layer of the class Dense. */
function layerOf(segment: string): { family: string; number: number } | undefined {
  const [, snake, camel, number] = /^(\w+?)_([A-Z]\w*?)(\d+)$/.exec(segment) ?? [];
  if (snake === undefined) return undefined;
  // Within a wrapper: forward_lstm_LSTM1.
  const own = snake.replace(/^(forward|backward)_/, "").replaceAll("_", "");
  return own === camel!.toLowerCase()
    ? { family: `${snake}_${camel}`, number: Number(number) }
    : undefined;
}

/** Weights of the layers of tfjs-layers. */
const layerWeights = new RegExp(
  "^(.*/(kernel|bias|embeddings|gamma|beta|moving_mean|moving_variance|alpha|" +
    "(recurrent|depthwise|pointwise)_kernel|depthwise_bias))(_\\d+)$",
);

/**
 * The name without the suffix that tfjs-layers gives to a weight whose name is taken, by a model that was
 * loaded before (`dense/kernel_1`). Other names may end in a number of the user's: w_1, w_3.
 */
export function withoutCopySuffix(name: string): string {
  return layerWeights.exec(name)?.[1] ?? name;
}

/** Takes a name apart; undefined for names that someone gave. */
export function numberedName(name: string): NumberedName | undefined {
  if (/^\d+$/.test(name)) return { family: "", number: Number(name), weight: "" };
  const [first, ...rest] = withoutCopySuffix(name).split("/");
  const layer = layerOf(first!);
  if (layer === undefined || rest.length === 0) return undefined;
  const inner = rest.map((segment) => layerOf(segment)?.family ?? segment);
  return { ...layer, weight: inner.join("/") };
}

/** @module */
import { wasmEncoder as w } from "@precond/core/backend";
import {
  add,
  addVectors,
  and,
  andNot,
  type Code,
  equalLanes,
  floats,
  largest,
  least,
  load,
  mul,
  or,
  put,
  store,
  sub,
  wasmFunction,
  zeros,
} from "./_assembler.ts";

const params = [
  ...["x", "y", "dy", "dx", "channels", "depth", "height", "width"] as const,
  ...["outDepth", "outHeight", "outWidth", "windowDepth", "windowHeight", "windowWidth"] as const,
  ...["strideDepth", "strideHeight", "strideWidth", "front", "top", "left"] as const,
] as const;

/** `f32x4.pmax(b, a)`: b unless a is larger, so that NaN is passed over as by the cpu backend. */
const larger = (a: Code, b: Code): Code => [...b, ...a, ...w.simd(0xeb)];
const lowest: Code = [
  ...w.simd(0x0c),
  ...[0, 0, 0x80, 0xff, 0, 0, 0x80, 0xff, 0, 0, 0x80, 0xff, 0, 0, 0x80, 0xff],
]; // −∞

/** Over one image of [depth, height, width, channels]. Lanes are channels. */
function pool(name: string, forward: boolean): w.WasmFunction {
  return wasmFunction(name, params, (f) => {
    const { args: a } = f;
    const c = f.local(), p = f.local(), q = f.local();
    const [max, gradient, found, mask] = [w.v128, w.v128, w.v128, w.v128].map(f.local) as [
      number,
      number,
      number,
      number,
    ];
    /** One axis: the place of the output, and where its window starts and ends inside the image. */
    const axis = (stride: Code, before: Code, window: Code, size: Code) => {
      const out = f.local(), at = f.local(), first = f.local(), last = f.local();
      const start = sub(mul(w.get(out), stride), before);
      return {
        ...{ out, at, first, last },
        bounds: [
          ...put(first, start),
          ...put(last, least(add(w.get(first), window), size)),
          ...put(first, largest(w.get(first), w.int(0))),
        ] as Code,
      };
    };
    const d = axis(a.strideDepth, a.front, a.windowDepth, a.depth);
    const h = axis(a.strideHeight, a.top, a.windowHeight, a.height);
    const v = axis(a.strideWidth, a.left, a.windowWidth, a.width);

    const lanes = (width: 1 | 4): Code => {
      const place = floats(
        add(
          w.get(c),
          mul(
            add(
              w.get(v.at),
              mul(add(w.get(h.at), mul(w.get(d.at), a.height)), a.width),
            ),
            a.channels,
          ),
        ),
      );
      return [
        ...put(q, floats(add(w.get(p), w.get(c)))),
        ...(forward ? put(max, lowest) : [
          ...put(max, load(add(a.y, w.get(q)), 0, width)),
          ...put(gradient, load(add(a.dy, w.get(q)), 0, width)),
          ...put(found, zeros),
        ]),
        ...f.loop(
          d.at,
          w.get(d.last),
          f.loop(
            h.at,
            w.get(h.last),
            f.loop(v.at, w.get(v.last), [
              ...put(q, place),
              ...(forward ? put(max, larger(load(add(a.x, w.get(q)), 0, width), w.get(max))) : [
                ...put(
                  mask,
                  andNot(
                    equalLanes(load(add(a.x, w.get(q)), 0, width), w.get(max)),
                    w.get(found),
                  ),
                ),
                ...put(found, or(w.get(found), w.get(mask))),
                ...put(q, add(a.dx, w.get(q))),
                ...store(
                  w.get(q),
                  addVectors(load(w.get(q), 0, width), and(w.get(gradient), w.get(mask))),
                  0,
                  width,
                ),
              ]),
            ], { from: w.get(v.first) }),
            { from: w.get(h.first) },
          ),
          { from: w.get(d.first) },
        ),
        ...(forward ? store(add(a.y, floats(add(w.get(p), w.get(c)))), w.get(max), 0, width) : []),
      ];
    };
    const places: Code = [
      ...f.loop(c, a.channels, lanes(4), { from: w.int(0), width: 4 }),
      ...f.loop(c, a.channels, lanes(1)),
      ...put(p, add(w.get(p), a.channels)),
    ];
    return [
      ...put(p, w.int(0)),
      ...f.loop(d.out, a.outDepth, [
        ...d.bounds,
        ...f.loop(h.out, a.outHeight, [
          ...h.bounds,
          ...f.loop(v.out, a.outWidth, [...v.bounds, ...places], { from: w.int(0) }),
        ], { from: w.int(0) }),
      ], { from: w.int(0) }),
    ];
  });
}

/**
 * Adds the gradient of each window's maximum to the first place that has it, as the cpu backend
 * does. The maximum is known from the forward pass, so that one comparison finds it whatever its sign.
 */
export const maxPool: w.WasmFunction = pool("maxPool", false);

/** Each window's maximum; `dy` and `dx` are not looked at. */
export const maxima: w.WasmFunction = pool("maxima", true);

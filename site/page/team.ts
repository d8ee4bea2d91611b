import type { Reply, ReplyOf, Request, StartOptions } from "../training/messages.ts";
import type { ContenderName } from "../training/lineup.ts";

/** What the workers need of the page to begin. */
export interface TeamOptions extends Omit<StartOptions, "contender" | "rate"> {
  /** Rates that are known already; the workers find the others. */
  readonly rates: Readonly<Partial<Record<ContenderName, number>>>;
}

/** Workers that train side by side, each its own contender, step for step. */
export interface Team {
  /** Starts all anew; each says how far it is in trying rates. */
  start(
    names: readonly ContenderName[],
    options: TeamOptions,
    onTuning: (name: ContenderName, done: number, of: number) => void,
  ): Promise<ReadonlyMap<ContenderName, ReplyOf<"started">>>;
  /** Takes all the same number of steps on; resolves when the last is there. */
  advance(
    steps: number,
    detailed: boolean,
  ): Promise<ReadonlyMap<ContenderName, ReplyOf<"advanced">>>;
  /** Gives up whatever the workers do; the next start makes new ones. */
  stop(): void;
}

interface Member {
  readonly worker: Worker;
  take: (reply: Reply) => void;
}

/** A team that has been started anew gives up what it was asked before. */
export class Superseded extends Error {}

/** Makes a team of as many workers as are asked for, from a worker's file. */
export function makeTeam(script: URL): Team {
  const members: Member[] = [];
  let names: readonly ContenderName[] = [];
  let id = 0;
  let supersede = () => {};

  const memberAt = (k: number): Member => {
    const found = members[k];
    if (found) return found;
    const worker = new Worker(script, { type: "module" });
    const member: Member = { worker, take: () => {} };
    worker.onmessage = ({ data }: MessageEvent<Reply>) => member.take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      member.take({ kind: "failed", id, message: event.message ?? "A worker did not load" });
    };
    return members[k] = member;
  };

  const ask = <Kind extends "started" | "advanced">(
    request: Request,
    { k, kind, onTuning }: {
      readonly k: number;
      readonly kind: Kind;
      readonly onTuning?: (done: number, of: number) => void;
    },
  ): Promise<ReplyOf<Kind>> =>
    new Promise((resolve, reject) => {
      const member = memberAt(k);
      member.take = (reply) => {
        if (reply.id !== request.id) return; // of a run that is over
        if (reply.kind === "tuning") onTuning?.(reply.done, reply.of);
        else if (reply.kind === "failed") reject(new Error(reply.message));
        else if (reply.kind === kind) resolve(reply as ReplyOf<Kind>);
      };
      member.worker.postMessage(request);
    });

  const askAll = async <T>(one: (name: ContenderName, k: number) => Promise<T>) => {
    const { promise, reject } = Promise.withResolvers<never>();
    supersede = () => reject(new Superseded("The run was started anew"));
    const replies = await Promise.race([Promise.all(names.map(one)), promise]);
    return new Map(names.map((name, k) => [name, replies[k]!]));
  };

  return {
    start(wanted, { rates, ...options }, onTuning) {
      supersede();
      names = wanted;
      const run = ++id;
      const known = (contender: ContenderName) => {
        const rate = rates[contender];
        return rate === undefined ? {} : { rate };
      };
      return askAll((contender, k) =>
        ask({ kind: "start", id: run, options: { ...options, contender, ...known(contender) } }, {
          k,
          kind: "started",
          onTuning: (done, of) => onTuning(contender, done, of),
        })
      );
    },
    advance(steps, detailed) {
      const run = id;
      return askAll((_, k) =>
        ask({ kind: "advance", id: run, steps, detailed }, { k, kind: "advanced" })
      );
    },
    stop() {
      supersede();
      for (const { worker } of members.splice(0)) worker.terminate();
    },
  };
}

/** @module */
import type { Redis } from "ioredis";
import { type Code, describeCode, queueOf } from "./code.ts";
import { prefix } from "./server.ts";

/** Who has jobs, by the queue's name. */
const key = `${prefix}:producers`;

/** Seconds after which a producer that says nothing is gone. */
const patience = 30;

interface Entry {
  readonly code: Code;
  /** By the server's clock, which all machines have in common. */
  readonly seen: number;
}

const now = async (redis: Redis) => Number((await redis.time())[0]);

/** Says again and again that there are jobs of this code, until what it returns is called. */
export async function announce(redis: Redis, code: Code): Promise<() => Promise<void>> {
  const say = async () => {
    const entry: Entry = { code, seen: await now(redis) };
    await redis.hset(key, queueOf(code), JSON.stringify(entry));
  };
  await say();
  // A server that is away is met again by the queue's own connections.
  const timer = setInterval(() => say().catch(() => {}), 5000);
  return async () => {
    clearInterval(timer);
    await redis.hdel(key, queueOf(code));
  };
}

/** Why a worker of this code will get no jobs; undefined where it may get some. */
export async function refusal(redis: Redis, code: Code): Promise<string | undefined> {
  const time = await now(redis);
  const all: [string, string][] = Object.entries(await redis.hgetall(key));
  const live = all.map(([name, text]) => ({ name, ...JSON.parse(text) as Entry }))
    .filter(({ seen }) => time - seen < patience);
  if (live.length === 0 || live.some(({ name }) => name === queueOf(code))) return undefined;
  const others = live.map(({ code }) => describeCode(code)).join("; and ");
  return `Cannot take jobs: they are of ${others}; this is ${describeCode(code)}, ` +
    "whose rows would not compare. Check out the same commit, without changes";
}

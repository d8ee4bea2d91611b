/** @module */
import { Redis } from "ioredis";
import { Exit } from "../../exit.ts";
import { checkAddress, withoutPassword } from "./address.ts";

/** What the keys of everything here begin with. */
export const prefix = "precond";

/**
 * How every connection is kept. One that is half open (a laptop slept, a router forgot it) never says
 * so by itself: a command that has no answer for a minute breaks it, and it is made again. Commands
 * that block end by themselves after 10 seconds.
 */
const lasting = {
  connectTimeout: 10_000,
  keepAlive: 30_000,
  socketTimeout: 60_000,
  maxRetriesPerRequest: null,
} as const;

const retryDelay = (times: number): number => Math.min(200 * times, 5000);

/**
 * Connects to a server, from then on for good: a connection that breaks is made again.
 *
 * @throws {Exit} With code 2, if it cannot be reached or refuses.
 */
export async function connect(address: string): Promise<Redis> {
  checkAddress(address);
  let connected = false;
  let reason: Error | undefined;
  const redis = new Redis(address, {
    ...lasting,
    lazyConnect: true,
    retryStrategy: (times) => connected ? retryDelay(times) : null,
  });
  redis.on("error", (error: Error) => reason = error);
  try {
    await redis.connect();
    await redis.ping();
    connected = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    const { message, name } = reason ?? error as Error;
    const denied = /NOAUTH|WRONGPASS|invalid password/.test(
      `${message} ${(error as Error).message}`,
    );
    throw new Exit(
      2,
      `Cannot reach the queue at ${withoutPassword(address)}: ${message || name}; ` +
        (denied
          ? "put the user and the password into the address"
          : "start a Redis server there (Debian: apt-get install redis-server), or name another"),
    );
  }
}

/** What BullMQ connects with. */
export const connection = (address: string): typeof lasting & {
  readonly url: string;
  readonly retryStrategy: (times: number) => number;
} => ({ ...lasting, url: address, retryStrategy: retryDelay });

/** What asks a server again and again. */
export interface ServerWatch {
  /** Questions in a row that have had no answer. */
  readonly inVain: number;
  stop(): void;
}

/**
 * Asks every so many milliseconds whether the server is there, and says how many questions in a row
 * were in vain: the clock would go on while a laptop sleeps.
 */
export function watchServer(
  redis: Redis,
  every: number,
  heard: (inVain: number) => void,
): ServerWatch {
  let [open, inVain] = [false, 0];
  const timer = setInterval(() => {
    heard(inVain = open ? inVain + 1 : 0);
    if (open) return;
    open = true;
    redis.ping().then(() => open = false, () => {});
  }, every);
  return {
    get inVain() {
      return inVain;
    },
    stop: () => clearInterval(timer),
  };
}

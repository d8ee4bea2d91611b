/** @module */
import { Redis } from "ioredis";
import { Exit } from "../../exit.ts";
import { checkAddress, withoutPassword } from "./address.ts";

/** What the keys of everything here begin with. */
export const prefix = "precond";

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
    lazyConnect: true,
    connectTimeout: 5000,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => connected ? Math.min(200 * times, 5000) : null,
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
export const connection = (address: string): {
  readonly url: string;
  readonly maxRetriesPerRequest: null;
} => ({ url: address, maxRetriesPerRequest: null });

/** @module */
import { Exit } from "../../exit.ts";

/** An address, or an argument with one in it, without the password. */
export function withoutPassword(text: string): string {
  // A password may have any character, an "@" too: the last one ends it.
  return text.replace(/(\w+:\/\/[^/@:]*):.*@/s, "$1:…@");
}

/**
 * Reads an address.
 *
 * @throws {Exit} With code 2, if it is none of a Redis server.
 */
export function checkAddress(address: string): void {
  const url = URL.parse(address);
  const known = url && ["redis:", "rediss:"].includes(url.protocol) && url.hostname !== "";
  if (known && /^(\/\d*)?$/.test(url.pathname)) return;
  throw new Exit(
    2,
    `Cannot use the queue "${withoutPassword(address)}": expected an address such as ` +
      "redis://host:6379, or rediss://user:password@host:6379/0",
  );
}

/**
 * Text as UTF-8, on engines without TextEncoder and TextDecoder (React Native's Hermes), too.
 *
 * @module
 */

/** The bytes of a text. */
export function encodeUtf8(text: string): Uint8Array {
  if (typeof TextEncoder === "function") return new TextEncoder().encode(text);
  const escaped = encodeURIComponent(text).match(/%..|[^%]/g) ?? [];
  return Uint8Array.from(
    escaped,
    (c) => c.length === 3 ? Number.parseInt(c.slice(1), 16) : c.charCodeAt(0),
  );
}

/**
 * The text of some bytes.
 *
 * @throws {TypeError | URIError} If they are not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (typeof TextDecoder === "function") {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  }
  const escaped = Array.from(bytes, (b) => `%${b.toString(16).padStart(2, "0")}`);
  return decodeURIComponent(escaped.join(""));
}

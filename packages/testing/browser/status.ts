/** @module */
import type { Page as Tab } from "playwright-core";
import assert from "node:assert/strict";

/** Runs in the page. */
const textIn = (id: string): string => document.getElementById(id)!.textContent ?? "";

/** Runs in the page: whether its status says so, or that something has failed. */
const says = (text: string): boolean => {
  const status = document.getElementById("status")!;
  return status.classList.contains("failed") || status.textContent!.startsWith(text);
};

/** What an example's page shows, whose element "status" tells what it does. */
export interface PageStatus {
  /** The text of an element. */
  textOf(id: string): Promise<string>;
  /** Waits until the status begins with a text; fails for another one of a failure, and for errors thrown. */
  until(text: string): Promise<void>;
}

/** Follows a tab that has not been opened yet; `timeout` in milliseconds only ends what hangs. */
export function statusOf(tab: Tab, timeout = 300_000): PageStatus {
  const errors: string[] = [];
  tab.on("pageerror", (error) => errors.push(error.stack ?? error.message));
  const textOf = (id: string) => tab.evaluate(textIn, id);
  return {
    textOf,
    async until(text) {
      await tab.waitForFunction(says, text, { timeout });
      const status = await textOf("status");
      assert.ok(status.startsWith(text), status);
      assert.deepEqual(errors, []);
    },
  };
}

/**
 * A text of the user's on the server once, not with every job.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { type Text, textOf } from "../../problems/text.ts";
import { type Job, titleOf } from "../job.ts";
import { week } from "./pending.ts";
import { prefix } from "./server.ts";

/** A job as it is on the queue: its text is named by what it says. */
export interface QueuedJob extends Omit<Job, "text"> {
  readonly text?: { readonly name: string; readonly digest: string };
}

const digestOf = (content: string): string => createHash("sha256").update(content).digest("hex");

const keyOf = (digest: string): string => `${prefix}:text:${digest}`;

/** Brings jobs into the form that the queue has, and their texts to the server. */
export function textStore(redis: Redis): (job: Job) => Promise<QueuedJob> {
  const digests = new Map<string, string>();
  return async ({ text, ...job }) => {
    if (!text) return job;
    const { name, content } = text;
    const digest = digests.get(content) ?? digestOf(content);
    digests.set(content, digest);
    // As long as results wait; a server may have lost it since.
    if (await redis.expire(keyOf(digest), week) === 0) {
      await redis.set(keyOf(digest), content, "EX", week);
    }
    return { ...job, text: { name, digest } };
  };
}

/** Gives jobs their texts back, each of which is fetched once. */
export function textReader(redis: Redis): (job: QueuedJob) => Promise<Job> {
  const texts = new Map<string, Text>();
  const fetched = async (job: QueuedJob, name: string, digest: string) => {
    const content = await redis.get(keyOf(digest));
    if (content === null) {
      throw new Error(
        `Cannot run ${
          titleOf(job)
        }: the server has lost "${name}"; start the producer again with ` +
          "--resume, which brings it",
      );
    }
    return textOf(name, content);
  };
  return async ({ text, ...job }) => {
    if (!text) return job;
    const { name, digest } = text;
    const known = texts.get(digest) ?? await fetched(job, name, digest);
    texts.set(digest, known);
    return { ...job, text: { ...known, name } };
  };
}

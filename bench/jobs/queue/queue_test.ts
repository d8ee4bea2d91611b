import { Queue, QueueEvents } from "bullmq";
import assert from "node:assert/strict";
import { Exit } from "../../exit.ts";
import { device, source, versions } from "../../device.ts";
import { textOf } from "../../problems/text.ts";
import { cellsOf, type Request } from "../../suite.ts";
import { type Done, idOf, type Job, jobOf } from "../job.ts";
import { localResults, resultsOf, withoutSeconds } from "../_testing.ts";
import { serverTest } from "./_testing.ts";
import { checkAddress, withoutPassword } from "./address.ts";
import { type Code, codeOf, queueOf } from "./code.ts";
import { decode, encode } from "./codec.ts";
import { queueLane } from "./producer.ts";
import { connect, connection, prefix } from "./server.ts";
import { textReader, textStore } from "./texts.ts";
import { work, type WorkerOptions } from "./worker.ts";

const code: Code = codeOf();
const surroundings = { device: device(), versions: versions(), ...source(), workers: 2 };
const request: Request = {
  full: false,
  problems: ["B"],
  methods: ["sgd", "curvature"],
  backends: [],
  seeds: 2,
};

/** A worker in this process, with all that it says. */
function worker(address: string, more: Partial<WorkerOptions> = {}) {
  const said: string[] = [];
  const [finish, giveBack] = [new AbortController(), new AbortController()];
  let next = Promise.withResolvers<void>();
  const ended = work({
    ...{ address, code, workers: 2, lease: 30 },
    log(line) {
      said.push(line);
      next.resolve();
      next = Promise.withResolvers();
    },
    finish: finish.signal,
    giveBack: giveBack.signal,
    ...more,
  });
  return {
    said,
    ended,
    finish: () => (finish.abort(), ended),
    giveBack: () => (giveBack.abort(), ended),
    async hears(word: string) {
      while (!said.some((line) => line.startsWith(word))) await Promise.race([next.promise, ended]);
    },
  };
}

/** Jobs of sgd on a problem, the first of `count` seeds. */
function jobs(problem: string, count: number, full = false): Job[] {
  const [cell] = cellsOf({ ...request, full, problems: [problem], methods: ["sgd"] });
  return Array.from(
    { length: count },
    (_, i) => jobOf(cell!, { learningRate: 0.01, seed: i + 1, tuning: false }),
  );
}

const ends = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Exit, String(error));
  assert.equal(error.code, 2);
  assert.match(error.message, message);
  return true;
};

Deno.test("addresses are checked, and never said with their password", () => {
  for (const address of ["redis://host", "redis://host:1/2", "rediss://me:secret@host:6379"]) {
    checkAddress(address);
  }
  for (const address of ["host:6379", "http://host", "redis://", "redis://host/name", ""]) {
    assert.throws(() => checkAddress(address), ends(/^Cannot use the queue ".*": expected/));
  }
  assert.throws(() => checkAddress("redis://me:secret@host/x"), ends(/"redis:\/\/me:…@host\/x"/));
  assert.equal(withoutPassword("rediss://:secret@host"), "rediss://:…@host");
  assert.equal(withoutPassword("redis://host:6379"), "redis://host:6379");
  assert.equal(withoutPassword("--queue=redis://me:secret@host"), "--queue=redis://me:…@host");
  assert.equal(withoutPassword("redis://me:a:b@c/d@host"), "redis://me:…@host");
  assert.equal(withoutPassword("http://me:secret@host"), "http://me:…@host");
});

Deno.test("decode() gives back what JSON would lose", () => {
  const curve = [{ step: 1, trainLoss: NaN, testLoss: -Infinity }];
  const outcome = { curve, diverged: true, secondsToTarget: null } as unknown as Done["outcome"];
  const done: Done = { outcome, seconds: 1, surroundings };
  assert.deepEqual(decode(encode(done)), done);
});

Deno.test("a server that is not there is named", async () => {
  await assert.rejects(
    connect("redis://me:secret@127.0.0.1:1"),
    ends(/^Cannot reach the queue at redis:\/\/me:…@127.0.0.1:1: .*ECONNREFUSED.*start a Redis/),
  );
});

serverTest(
  "a server that wants a password says so",
  async (address) => {
    await assert.rejects(connect(address), ends(/NOAUTH.*put the user and the password into/));
    const wrong = address.replace("//", "//:wrong@");
    await assert.rejects(connect(wrong), ends(/WRONGPASS.*put the user and the password into/));
    (await connect(address.replace("//", "//:right@"))).disconnect();
  },
  "--requirepass",
  "right",
);

serverTest(
  "rows of a queue are those of a local run, and nothing stays behind",
  async (address) => {
    const lane = await queueLane(address, code);
    const one = worker(address);
    const results = await resultsOf(request, lane);
    await one.finish();
    assert.equal(one.said.filter((line) => line.startsWith("finished")).length, 2 * (7 + 2));
    assert.deepEqual(
      withoutSeconds(results),
      withoutSeconds(await localResults(request, surroundings)),
    );
    await lane.close(true);
    const queue = new Queue(queueOf(code), { connection: connection(address), prefix });
    assert.equal(await queue.getJobCountByTypes(), 0);
    await queue.close();
  },
);

serverTest(
  "a text of the user's is on the server once, and every worker has it",
  async (address) => {
    const text = textOf("mine.txt", "to be or not to be\n".repeat(300));
    const [cell] = cellsOf({ ...request, problems: ["gru"], backends: ["wasm"], text });
    const own = [1, 2].map((seed) => jobOf(cell!, { learningRate: 0.01, seed, tuning: false }));
    const redis = await connect(address);
    const [store, read] = [textStore(redis), textReader(redis)];
    for (const job of own) {
      const stored = await store(job);
      assert.ok(!JSON.stringify(stored).includes("to be"));
      assert.deepEqual(await read(stored), job);
    }
    const keys = await redis.keys("*:text:*");
    assert.equal(keys.length, 1);
    assert.equal(await redis.get(keys[0]!), text.content);
    assert.ok(await redis.ttl(keys[0]!) > 6 * 86_400);
    // What a job of its problem says is checked by its settings, in which the text counts.
    const lane = await queueLane(address, code);
    const one = worker(address, { workers: 1 });
    assert.equal((await lane.run(own[0]!, () => {})).outcome.curve.at(-1)!.step, 25);
    await one.finish();
    await lane.close(true);
    await redis.del(keys[0]!);
    const later = store(own[1]!);
    assert.deepEqual(await textReader(redis)(await later), own[1]);
    await redis.del(keys[0]!);
    await assert.rejects(
      textReader(redis)(await later),
      /^Error: Cannot run gru · sgd · seed 2: the server has lost "mine.txt"; start the producer again/,
    );
    redis.disconnect();
  },
);

serverTest("a producer that died leaves its results to the next one", async (address) => {
  const [first, second] = jobs("B", 2);
  const dead = await queueLane(address, code);
  const lost = [dead.run(first!, () => {}), dead.run(second!, () => {})];
  const one = worker(address);
  const before = await Promise.all(lost);
  const next = await queueLane(address, code);
  assert.equal(next.workers, 2);
  const after = await Promise.all([first!, second!].map((job) => next.run(job, () => {})));
  assert.deepEqual(after, before);
  await one.finish();
  assert.equal(one.said.filter((line) => line.startsWith("started")).length, 2);
  for (const lane of [dead, next]) await lane.close(true);
});

serverTest(
  "a job that fails is tried again, then says why, and can be resumed",
  async (address) => {
    const [job] = jobs("B", 1);
    const lane = await queueLane(address, code);
    const one = worker(address);
    const wrong = { ...job!, settings: "0" };
    const message = /^Error: Cannot run B · sgd · seed 1: .*its settings are 0.*same commit/s;
    await assert.rejects(lane.run(wrong, () => {}), message);
    // The failure is still there, but does not count for who comes later.
    await assert.rejects(lane.run(wrong, () => {}), message);
    assert.equal(one.said.filter((line) => line.startsWith("started")).length, 6);
    await one.finish();
    await lane.close(false);
  },
);

serverTest("a worker finishes its jobs or gives them back", async (address) => {
  const lane = await queueLane(address, code);
  const queue = new Queue(queueOf(code), { connection: connection(address), prefix });
  const [quick] = jobs("B", 1);
  const done = lane.run(quick!, () => {});
  const first = worker(address);
  await first.hears("started");
  await first.finish();
  assert.equal((await done).outcome.diverged, false);
  const [long] = jobs("D", 1, true);
  const never = lane.run(long!, () => {});
  const second = worker(address);
  await second.hears("started");
  await second.giveBack();
  assert.ok(second.said.includes("returned D · sgd · seed 1"));
  const found = await queue.getJob(idOf(long!));
  assert.notEqual(await found!.getState(), "active");
  // An interrupted producer takes back what nobody has begun.
  await lane.close(false);
  assert.equal(await queue.getJob(idOf(long!)), undefined);
  await queue.close();
  assert.equal(await Promise.race([never, "waits"]), "waits");
});

serverTest("a worker of other code or versions is refused", async (address) => {
  const lane = await queueLane(address, code);
  const others: Partial<Code>[] = [
    { commit: "0".repeat(40) },
    { files: "0123" },
    { versions: { ...code.versions, tfjs: "0.0.0" } },
  ];
  for (const other of others) {
    await assert.rejects(
      worker(address, { code: { ...code, ...other } }).ended,
      ends(/^Cannot take jobs: they are of commit .*would not compare.*Check out the same commit/),
    );
  }
  await lane.close(true);
  const waiting = worker(address, { code: { ...code, files: "0123" } });
  await waiting.hears("Taking jobs");
  await waiting.finish();
});

serverTest("a job that completes while it is looked at is not lost", async (address) => {
  const [job] = jobs("B", 1);
  const queue = new Queue(queueOf(code), { connection: connection(address), prefix });
  const { emit } = QueueEvents.prototype;
  const { getJob } = Queue.prototype;
  // Its event gets lost, and between what is asked about it there is time enough.
  QueueEvents.prototype.emit = function (...given) {
    return given[0] === "completed" || Reflect.apply(emit, this, given);
  };
  Queue.prototype.getJob = async function (id) {
    const found = await getJob.call(this, id);
    while (await queue.getJobState(id) !== "completed") {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found;
  };
  try {
    const one = worker(address);
    const lane = await queueLane(address, code, { every: 50 });
    assert.equal((await lane.run(job!, () => {})).outcome.diverged, false);
    await one.finish();
    await lane.close(true);
  } finally {
    QueueEvents.prototype.emit = emit;
    Queue.prototype.getJob = getJob;
    await queue.close();
  }
});

serverTest("a producer says what holds it up, and ends with an error", async (address, server) => {
  const said: string[] = [];
  let next = Promise.withResolvers<void>();
  const lane = await queueLane(address, code, {
    every: 30,
    heldUp(why) {
      said.push(why);
      next.resolve();
      next = Promise.withResolvers();
    },
  });
  const hears = async (expected: RegExp) => {
    while (!said.some((why) => expected.test(why))) await next.promise;
  };
  const [job] = jobs("B", 1);
  const gone = assert.rejects(lane.run(job!, () => {}), (error) => {
    assert.ok(error instanceof Exit, String(error));
    assert.equal(error.code, 1);
    assert.match(error.message, /^Cannot go on: the queue at .* has been away .*--resume$/);
    return true;
  });
  await hears(/^waiting: no worker is there \(bench worker/);
  said.splice(0);
  server.kill("SIGSTOP");
  await hears(/^waiting for the queue at redis:\/\/127\.0\.0\.1:\d+: it does not answer$/);
  await gone;
  assert.equal(said.length, 1);
  server.kill("SIGCONT");
  await lane.close(false);
});

serverTest("a worker whose lease ran out leaves its job to others", async (address) => {
  const lane = await queueLane(address, code);
  const [job] = jobs("D", 1, true);
  lane.run(job!, () => {}).catch(() => {});
  const one = worker(address, { lease: 1 });
  await one.hears("started");
  const redis = await connect(address);
  await redis.del(`${prefix}:${queueOf(code)}:${idOf(job!)}:lock`);
  redis.disconnect();
  await one.hears("lost     D · sgd · seed 1");
  one.said.splice(0);
  await one.hears("started  D · sgd · seed 1");
  await one.giveBack();
  await lane.close(false);
});

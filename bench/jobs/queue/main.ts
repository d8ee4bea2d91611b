/**
 * `deno run -A bench/main.ts worker`: takes jobs of a queue.
 *
 * @module
 */
import { Option } from "commander";
import { command, parseArguments, positive, workersOption } from "../../cli.ts";
import { checkAddress } from "./address.ts";
import { codeOf } from "./code.ts";
import { type QueueLane, queueLane, type QueueOptions } from "./producer.ts";
import { work } from "./worker.ts";

/** A lane for jobs of the code that runs here. */
export const openQueue = (address: string, options?: QueueOptions): Promise<QueueLane> =>
  queueLane(address, codeOf(), options);

/** Works until it is told to end; 0 is the exit code then. */
export async function workerMain(args: readonly string[]): Promise<number> {
  const program = command("bench worker", "Runs jobs that a bench with --queue has put on a queue.")
    .requiredOption("--queue <address>", "the queue, as redis://host:6379")
    .addOption(workersOption())
    .addOption(
      new Option("--lease <seconds>", "silence after which another worker takes the jobs over")
        .default(30).argParser(positive),
    );
  parseArguments(program, args);
  const { queue, workers, lease } = program.opts<
    { queue: string; workers: number; lease: number }
  >();
  checkAddress(queue);
  const [finish, giveBack] = [new AbortController(), new AbortController()];
  const onInterrupt = () => (finish.signal.aborted ? giveBack : finish).abort();
  const onTerminate = () => giveBack.abort();
  Deno.addSignalListener("SIGINT", onInterrupt);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onTerminate);
  await work({
    address: queue,
    code: codeOf(),
    workers,
    lease,
    log: (line) => console.log(line),
    finish: finish.signal,
    giveBack: giveBack.signal,
  });
  return 0;
}

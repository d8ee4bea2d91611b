/** Trains the team round after round, and keeps what it brings. */
import type { Task } from "../data/examples.ts";
import { type ContenderName, lineup } from "../training/lineup.ts";
import type { History } from "./history.ts";
import type { Settings } from "./settings.ts";
import { makeTeam, Superseded } from "./team.ts";

const stepsPerRound = 10, roundsPerView = 2;

/** What happens in a run. */
export interface Listeners {
  onStatus(text: string, failed?: boolean): void;
  onSeen(): void;
  onRunning(running: boolean): void;
  /** Called every second before the first steps on WebGPU, and with undefined after them. */
  onCompiling(seconds: number | undefined): void;
}

/** A run of all contenders. */
export interface Runner {
  readonly histories: readonly History[];
  readonly running: boolean;
  /**
   * Forgets the run; the next start begins anew.
   *
   * @param again Whether it is the same task with the same settings, so that rates stay as they are.
   */
  reset(task: Task, settings: Settings, again: boolean): void;
  /** Goes on for some steps. */
  start(steps: number): void;
  pause(): void;
}

/** One run, from its start to the next reset. */
interface Course {
  readonly task: Task;
  readonly settings: Settings;
  readonly histories: readonly History[];
  begun: boolean;
  step: number;
  /** Ends the clock that runs until the first steps are made. */
  stopClock?: () => void;
  /** The step at which it pauses. */
  end: number;
  running: boolean;
  /** What is being done, one thing after another. */
  work: Promise<void>;
}

const places = { wasm: "WebAssembly", webgpu: "WebGPU", cpu: "plain JavaScript" };

/** Makes a runner whose workers load a script. */
export function makeRunner(
  script: URL,
  { onStatus, onSeen, onRunning, onCompiling }: Listeners,
): Runner {
  const team = makeTeam(script);
  let course: Course | undefined;

  const run = (mine: Course, running: boolean) => {
    mine.running = running;
    if (mine === course) onRunning(running);
  };

  /** WebGPU compiles a shader for each operation before it can make a step. */
  const startClock = (mine: Course) => {
    const start = performance.now();
    const timer = setInterval(
      () => onCompiling(Math.round((performance.now() - start) / 1000)),
      1000,
    );
    mine.stopClock = () => {
      clearInterval(timer);
      delete mine.stopClock;
      onCompiling(undefined);
    };
  };

  const begin = async (mine: Course) => {
    const { task, histories, settings: { backend, rateFactor, hidden, batchSize, seed } } = mine;
    const progress = new Map<ContenderName, string>();
    onStatus("Starting five workers …");
    if (backend === "webgpu") startClock(mine);
    const known = histories.filter(({ rate }) => !Number.isNaN(rate));
    const rates = Object.fromEntries(known.map(({ name, rate }) => [name, rate]));
    const options = { task, backend, rates, rateFactor, hidden, batchSize, seed };
    const names = histories.map(({ name }) => name);
    const started = await team.start(names, options, (name, done, of) => {
      progress.set(name, `${lineup[name].label} ${done} of ${of}`);
      onStatus(`Choosing learning rates: ${[...progress.values()].join(", ")}`);
    });
    for (const history of histories) history.rate = started.get(history.name)!.rate;
    mine.begun = true;
    const got = [...new Set([...started.values()].map((reply) => reply.backend))];
    const where = got.map((name) => places[name as keyof typeof places]).join(" and ");
    const missing = got.every((name) => name === backend)
      ? ""
      : `: this browser does not start ${places[backend]}`;
    onStatus(`Training on ${where}${missing}`);
  };

  const advance = async (mine: Course, steps: number) => {
    // After the first step something is known of noise and curvature.
    const detailed = steps === 0 || (mine.step / stepsPerRound) % roundsPerView === 1;
    const replies = await team.advance(steps, detailed);
    if (mine !== course) throw new Superseded("The run was started anew");
    for (const history of mine.histories) {
      const { train, test, view, step } = replies.get(history.name)!;
      if (view) history.view = view;
      const { noiseScale } = view ?? {};
      const noise = noiseScale === undefined ? {} : { noiseScale };
      history.points.push({ step, train, test, ...noise });
      mine.step = step;
    }
    onSeen();
  };

  const work = async (mine: Course) => {
    try {
      if (!mine.begun) {
        await begin(mine);
        await advance(mine, 0);
      }
      while (mine.running && mine.step < mine.end) {
        await advance(mine, stepsPerRound);
        mine.stopClock?.();
        await new Promise((resolve) => setTimeout(resolve)); // lets the page answer
      }
      if (mine.running) {
        run(mine, false);
        onStatus(`Paused after ${mine.step} steps; press Go on to train further`);
      }
    } catch (error) {
      if (error instanceof Superseded || mine !== course) return;
      mine.stopClock?.();
      run(mine, false);
      onStatus((error as Error).message, true);
    }
  };

  return {
    get histories() {
      return course?.histories ?? [];
    },
    get running() {
      return course?.running ?? false;
    },
    reset(task, settings, again) {
      const names: ContenderName[] = ["sgd", "curvatureOnly", settings.snr, "combined", "adam"];
      const before = new Map(again ? course?.histories.map(({ name, rate }) => [name, rate]) : []);
      if (course) run(course, false);
      // Workers that wait for a GPU would take no other request for as long.
      if (course?.stopClock) team.stop();
      course?.stopClock?.();
      course = {
        task,
        settings,
        histories: names.map((name): History => (
          { name, label: lineup[name].label, rate: before.get(name) ?? NaN, points: [] }
        )),
        begun: false,
        step: 0,
        end: 0,
        running: false,
        work: Promise.resolve(),
      };
      onRunning(false);
      onStatus("");
    },
    start(steps) {
      const mine = course;
      if (!mine || mine.running) return;
      mine.end = mine.step + steps;
      run(mine, true);
      mine.work = mine.work.then(() => work(mine));
    },
    pause() {
      if (!course) return;
      run(course, false);
      if (course.begun) onStatus(`Paused after ${course.step} steps`);
    },
  };
}

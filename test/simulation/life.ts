/**
 * One simulated life of a home: a storm in which daemons die, freeze, wake and
 * replace each other, then calm in which everything has to come to its end.
 * What is wrong at any moment is a violation, and ends the life.
 */

import type { Logger } from '../../src/runtime/logger.ts';
import type { Command } from '../../src/scheduler/commands.ts';
import { Desk } from '../../src/scheduler/desk.ts';
import { MemoryStore } from '../stores/memory-store.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { isSettledStatus, stuckJobs } from './after-the-storm.ts';
import { capViolations } from './caps.ts';
import { Chance } from './chance.ts';
import { Daemon } from './daemon.ts';
import { Home } from './home.ts';
import { drawMood } from './moods.ts';
import { ObservedStore, type Observer } from './observed-store.ts';
import { Person } from './person.ts';
import { drawPlan, type Plan } from './plan.ts';
import { type Flight, isPost, Platform } from './platform.ts';
import { SimProcess } from './sim-process.ts';
import { SimPublisher } from './sim-publisher.ts';
import { Storm } from './storm.ts';
import { Timeline } from './timeline.ts';

export interface Violation {
  readonly kind: string;
  readonly text: string;
}

export interface LifeResult {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly posts: number;
  readonly jobs: number;
  readonly starts: number;
}

const CALM_MS = 2_400_000;
const SILENT_MS = 120_000;
const CHECK_MS = 60_000;
/** Longer than any look at an uncertain job, or cooldown, keeps it waiting. */
const QUIET_CHECKS = 6;

export class Life implements Observer {
  readonly #seed: number;
  readonly #ignore: readonly string[];
  readonly #chance: Chance;
  readonly #plan: Plan;
  readonly #timeline: Timeline;
  readonly #platform: Platform;
  readonly #storm: Storm;
  readonly #person: Person;
  readonly #home: Home;
  readonly #trace: ((line: string) => void) | null;
  readonly #committedMs = new Map<string, number>();
  #violation: Violation | null = null;
  #processes: SimProcess[] = [];
  #daemon: Daemon | null = null;
  /** Replaced unseen; the number of each is its pid in the eyes of people. */
  readonly #overtaken: SimProcess[] = [];
  #starts = 0;
  #finished = false;
  #picture = '';
  #quietChecks = 0;

  constructor(seed: number, trace: ((line: string) => void) | null = null, ignore: readonly string[] = []) {
    this.#ignore = ignore;
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#plan = drawPlan(this.#chance);
    this.#timeline = new Timeline(this.#plan.startWallMs);
    this.#platform = new Platform(this.#timeline);
    this.#trace = trace;
    this.#home = new Home(this.#emptyStore());
    const { rates, videos, settings } = this.#plan;
    const chance = this.#chance;
    this.#storm = new Storm({ chance, timeline: this.#timeline, rates, trace: (line) => this.#say(line), tear: () => this.#home.tear() });
    this.#person = new Person({
      ...{ chance, videos, platform: this.#platform, home: () => this.#home },
      accounts: settings.accounts.map(({ name }) => name),
      order: (command) => this.#order(command),
      ended: () => this.#overtaken.flatMap(({ name, state }, index) => (state === 'dead' ? [`${index + 1}@${name}`] : [])),
    });
  }

  async run(): Promise<LifeResult> {
    const { stormMs, settings } = this.#plan;
    const { accounts: _, ...shown } = settings;
    this.#say(`plan ${JSON.stringify({ ...shown, rates: this.#plan.rates, kinds: [...this.#plan.kinds], videos: this.#plan.videos })}`);
    this.#start();
    this.#timeline.after(500, () => void this.#person.add());
    this.#keepStarting();
    this.#people();
    this.#backups();
    await this.#until(stormMs);
    this.#say('the storm is over');
    this.#storm.over = true;
    for (let at = stormMs + CHECK_MS; at <= stormMs + CALM_MS && !this.#over(); at += CHECK_MS) {
      await this.#until(at);
      await this.#checkCalm(at === stormMs + CALM_MS);
    }
    await this.#home.store.assertNothingLost();
    for (const text of capViolations(this.#platform.landings, settings.accounts)) this.report('cap', text);
    const { length: jobs } = await this.#home.store.raw.jobs({});
    return {
      seed: this.#seed,
      violation: this.#violation,
      posts: this.#platform.landings.filter(isPost).length,
      jobs,
      starts: this.#starts,
    };
  }

  report(kind: string, text: string): void {
    if (this.#ignore.includes(kind)) return;
    this.#say(`VIOLATION ${kind}: ${text}`);
    this.#violation ??= { kind, text };
  }

  committed(jobId: string, atWallMs: number): void {
    this.#committedMs.set(jobId, atWallMs);
  }

  #over(): boolean {
    return this.#violation !== null || this.#finished;
  }

  #until(ms: number): Promise<void> {
    return this.#timeline.run(ms, () => this.#over());
  }

  #emptyStore(): ObservedStore {
    const clock = { now: () => this.#timeline.now(), monotonic: () => this.#timeline.monotonic(), sleep: async () => false };
    return new ObservedStore(new MemoryStore({ clock, random: new SeededRandom(this.#seed) }), this);
  }

  #newProcess(name: string): SimProcess {
    const process = new SimProcess(name, { timeline: this.#timeline, weather: this.#storm, onEnd: (ended) => this.#ended(ended) });
    this.#processes.push(process);
    return process;
  }

  #ended(process: SimProcess): void {
    this.#processes = this.#processes.filter((other) => other !== process);
    if (this.#home.holder === process) this.#home.holder = null;
    if (this.#daemon?.process !== process) return;
    this.#daemon = null;
    this.#timeline.after(this.#chance.between(100, 20_000), () => this.#start());
  }

  /** A service, or a person, starts the daemon: refused while the holder shows life. */
  #start(): void {
    if (!this.#takeLock()) return;
    this.#starts += 1;
    const { home, timeline } = { home: this.#home, timeline: this.#timeline };
    const process = this.#newProcess(`daemon ${this.#starts}`);
    home.holder = process;
    home.lockFile = { process, heartbeatMs: timeline.monotonic() };
    this.#say(`${process.name} starts`);
    const publishers = new Map(
      [...this.#plan.kinds].map(([name, kind]) => [name, { publisher: this.#publisher(process, kind), options: {} }]),
    );
    const publisherOf = (name: string) => publishers.get(name) ?? { publisher: this.#publisher(process, 'module'), options: {} };
    const daemon = new Daemon({
      ...{ home, process, publisherOf, settings: this.#plan.settings, logger: this.#logger(process.name) },
      seed: this.#seed + 1_000 * this.#starts,
    });
    this.#daemon = daemon;
    daemon.run().then(
      () => process.end(),
      (error: unknown) => {
        this.#say(`${process.name} fails: ${String(error)}`);
        process.end();
      },
    );
  }

  #takeLock(): boolean {
    const { holder, lockFile } = this.#home;
    if (holder !== null) {
      const silent = lockFile !== null && this.#timeline.monotonic() - lockFile.heartbeatMs >= SILENT_MS;
      if (!silent) return false;
      if (!this.#storm.over && this.#chance.happens(this.#plan.rates.overtaken)) this.#overtake(holder);
      else holder.end();
      this.#home.holder = null;
      this.#daemon = null;
    }
    if (!this.#storm.over) this.#accidents();
    return true;
  }

  /** It is frozen on another host, or in another container: nobody can end it, and it may wake. */
  #overtake(holder: SimProcess): void {
    this.#say(`${holder.name} is overtaken, and lives on`);
    this.#overtaken.push(holder);
    this.#home.doubted.push({ pid: this.#overtaken.length, hostname: holder.name, started: '' });
  }

  /** What happens while nobody runs. */
  #accidents(): void {
    const { rates } = this.#plan;
    const chance = this.#chance;
    if (chance.happens(rates.reboot)) {
      this.#say('the machine boots');
      this.#home.bootId = `boot-${chance.whole(2, 1_000_000)}`;
      for (const process of [...this.#processes]) process.end();
    }
    if (this.#processes.length > 0 || this.#starts === 0 || !chance.happens(rates.databaseLost)) return;
    const { backup } = this.#home;
    this.#say(backup === null ? 'the database is deleted' : 'the database is restored from a backup');
    this.#home.store = backup?.backup() ?? this.#emptyStore();
    this.#timeline.after(chance.between(1_000, 60_000), () => void this.#person.add());
  }

  #publisher(process: SimProcess, kind: 'phone' | 'module'): SimPublisher {
    const chance = this.#chance;
    return new SimPublisher({
      ...{ kind, process, chance, platform: this.#platform, timeline: this.#timeline },
      mood: () => drawMood(chance, this.#storm.over ? { ...this.#plan.rates.moods, ...NO_TROUBLE } : this.#plan.rates.moods),
      committedMs: (jobId) => this.#committedMs.get(jobId),
      onCommitted: (flight) => this.#checkArmed(flight),
      onLanded: (key) => this.#checkTwice(key),
    });
  }

  #checkTwice(key: string): void {
    this.#say(`POST ${key}`);
    const times = this.#platform.landings.filter((landing) => landing.key === key && isPost(landing)).length;
    if (times > 1) this.report('twice', `${key} was published ${times} times`);
  }

  async #checkLease({ job: id, process }: Flight): Promise<void> {
    const job = await this.#home.store.raw.job(id);
    const over = job?.status === 'committing' && (job.leaseUntilMs ?? 0) <= this.#timeline.now();
    if (over && process.state === 'running') this.report('late', `commit() let ${id} act, but its lease is over`);
  }

  #checkArmed(flight: Flight): void {
    void this.#checkLease(flight);
    const paused = this.#daemon?.process === flight.process ? this.#daemon.pausedMs : null;
    if (paused !== null && paused < this.#timeline.monotonic())
      this.report('paused', `commit() let ${flight.job} act, but posts are paused`);
    for (const other of this.#platform.armed()) {
      if (other !== flight && other.account === flight.account) {
        this.report('crowd', `${flight.job} and ${other.job} may both act on ${flight.account}`);
      }
    }
  }

  /** A hung or frozen holder is only replaced when somebody starts another. */
  #keepStarting(): void {
    this.#timeline.after(this.#chance.between(30_000, 90_000), () => {
      this.#start();
      this.#keepStarting();
    });
  }

  #people(): void {
    const { person } = this.#plan.rates;
    if (person === 0) return;
    this.#timeline.after(this.#chance.between(5_000, 120_000) / person, () => {
      if (this.#storm.over) return;
      void this.#person.act();
      this.#people();
    });
  }

  #backups(): void {
    this.#timeline.after(this.#chance.between(10_000, 300_000), () => {
      this.#home.backup = this.#home.store.backup();
      if (!this.#storm.over) this.#backups();
    });
  }

  /** To the daemon, or, when none runs, by a command line that takes the lock itself. */
  async #order(command: Command): Promise<void> {
    const daemon = this.#daemon;
    if (daemon !== null) {
      if (daemon.desk === null || daemon.process.state !== 'running') return;
      const reply = await daemon.desk.handle(command);
      if (command.do !== 'resume') this.#say(`person: ${JSON.stringify(command)} -> ${reply.text}`);
      return;
    }
    if (this.#home.holder !== null || command.do === 'resume') return;
    const process = this.#newProcess('a command line');
    this.#home.holder = process;
    try {
      const own = await this.#home.begin(process);
      const { settings } = this.#plan;
      const policy = (settings.accounts[0] as (typeof settings.accounts)[number]).policy;
      const parts = { ...own, clock: process.clock, ledger: this.#home.ledger(process), home: '/home', daemon: null, wake: () => {} };
      const reply = await new Desk({ ...parts, accountPolicy: () => policy, isConfigured: () => false }).handle(command);
      this.#say(`person, alone: ${JSON.stringify(command)} -> ${reply.text}`);
    } catch (error) {
      this.#say(`person, alone: ${String(error)}`);
    } finally {
      process.end();
    }
  }

  async #checkCalm(last: boolean): Promise<void> {
    await this.#home.store.assertNothingLost();
    const jobs = await this.#home.store.raw.jobs({});
    const done = jobs.every((job) => isSettledStatus(job.status)) && this.#platform.flights.size === 0;
    const picture = JSON.stringify(jobs.map(({ id, status, attempts }) => [id, status, attempts]));
    this.#quietChecks = picture === this.#picture ? this.#quietChecks + 1 : 0;
    this.#picture = picture;
    const end = done || last || this.#quietChecks >= QUIET_CHECKS;
    if (!end) {
      void this.#person.settle();
      void this.#person.release();
      void this.#order({ do: 'resume' });
      return;
    }
    this.#finished = true;
    const accounts = await this.#home.store.raw.accounts(this.#timeline.now());
    const flying = new Set([...this.#platform.flights].map((flight) => flight.job));
    for (const text of stuckJobs({ jobs, accounts, flying, now: this.#timeline.now() })) this.report('stuck', text);
  }

  #say(line: string): void {
    this.#trace?.(`${(this.#timeline.monotonic() / 1_000).toFixed(3).padStart(9)} ${line}`);
  }

  #logger(name: string): Logger {
    if (this.#trace === null) return SILENT;
    const say = (first: object | string, message?: string) => {
      const error = typeof first === 'object' && 'err' in first ? ` (${String(first.err)})` : '';
      this.#say(`${name}: ${typeof first === 'string' ? first : (message ?? '')}${error}`);
    };
    const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
    return logger;
  }
}

const NO_TROUBLE = { fails: 0, ignores: 0, forgets: 0, hangs: 0, badLook: 0 };
const quiet = () => {};
const SILENT: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => SILENT };

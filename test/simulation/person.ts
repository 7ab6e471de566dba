/**
 * The people of a simulated world: they add the folder (again), press retry,
 * skip and release, and settle what is uncertain, truthfully, as far as anybody
 * can see: who still has a tap in hand is not for them to know. They order
 * through the production desk, that of the daemon or one of their own.
 */
import type { Command } from '../../src/scheduler/commands.ts';
import type { NewJob } from '../../src/stores/store.ts';
import type { Chance } from './chance.ts';
import type { Home } from './home.ts';
import type { Platform } from './platform.ts';

export interface Video {
  readonly name: string;
  readonly sha256: string;
  readonly account: string | null;
}

export interface PersonParts {
  readonly chance: Chance;
  readonly home: () => Home;
  readonly platform: Platform;
  readonly videos: readonly Video[];
  readonly accounts: readonly string[];
  /** Holders that were replaced unseen, and have ended since. */
  readonly ended: () => readonly string[];
  /** Carries out an order; at once, or never when nobody can be reached. */
  readonly order: (command: Command) => Promise<void>;
}

const ACTIONS = ['retry', 'retry', 'retry all', 'skip', 'settle', 'settle', 'settle', 'release', 'add', 'again'] as const;

export class Person {
  readonly #parts: PersonParts;
  #batches = 0;
  #ordered = 0;

  constructor(parts: PersonParts) {
    this.#parts = parts;
  }

  /** The folder, as it is: under other names the second time. */
  add(): Promise<void> {
    this.#batches += 1;
    const batch = `batch-${this.#batches}`;
    const prefix = this.#batches === 1 ? '' : `copy-${this.#batches}-`;
    return this.#add(
      batch,
      this.#parts.videos.map((video) => newJob(video, prefix, 0)),
    );
  }

  /** Something that people do. */
  async act(): Promise<void> {
    const { chance, accounts, videos, order } = this.#parts;
    const action = chance.pick(ACTIONS);
    if (action === 'settle') return await this.settle();
    if (action === 'release') return await order({ do: 'release', account: chance.pick(accounts) });
    if (action === 'retry all') return await order({ do: 'retry', job: 'all' });
    if (action === 'add') return await this.add();
    if (action === 'again') {
      this.#ordered += 1;
      const video = { ...chance.pick(videos), account: chance.pick(accounts) };
      return await this.#add(`again-${this.#ordered}`, [newJob(video, `again-${this.#ordered}-`, this.#ordered)]);
    }
    const job = await this.#anyJob();
    if (job === null) return;
    await order(action === 'retry' ? { do: 'retry', job } : { do: 'skip', job, reason: 'not wanted' });
  }

  /** Looks at each uncertain post until the truth is out, and says it. */
  async settle(): Promise<void> {
    const { home, platform, order, ended } = this.#parts;
    for (const holder of ended()) await order({ do: 'holder_gone', holder });
    for (const job of await home().store.raw.jobs({ statuses: ['uncertain'] })) {
      const truth = platform.truth(`${job.account}:${job.sha256}:${job.repeat}`);
      if (truth !== null) await order({ do: 'settle', job: job.id, verdict: truth });
    }
  }

  async release(): Promise<void> {
    const { home, order } = this.#parts;
    for (const account of await home().store.raw.accounts(0)) {
      if (account.state === 'hold') await order({ do: 'release', account: account.name });
    }
  }

  async #anyJob(): Promise<string | null> {
    const jobs = await this.#parts.home().store.raw.jobs({});
    return jobs.length === 0 ? null : this.#parts.chance.pick(jobs).id;
  }

  #add(batch: string, jobs: readonly NewJob[]): Promise<void> {
    return this.#parts.order({ do: 'add_jobs', batch: { id: batch, source: '/videos', accounts: this.#parts.accounts }, jobs });
  }
}

function newJob({ name, sha256, account }: Video, prefix: string, repeat: number): NewJob {
  return {
    id: `${prefix}${name}`,
    videoPath: `/videos/${prefix}${name}.mp4`,
    sha256,
    caption: 'Hello',
    account,
    publishAtMs: null,
    priority: 0,
    maxAttempts: null,
    repeat,
  };
}

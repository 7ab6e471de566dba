/**
 * The pretend platform of the day simulation: phones that fail as often and
 * take as long as measured on the ancestor's files, and posts whose number is
 * counted here, by the judge, never by what a store says.
 *
 * Measured (a public ancestor's progress files): claim to finish median 216 s,
 * p90 311 s, at most 415 s; adb never appears in 7 % of attempts, after 60 s;
 * Appium dies in bursts, and takes the sessions of several phones with it.
 */
import type { Verdict } from '../../src/domain/job.ts';
import type { PublishContext, Publisher, PublishJob } from '../../src/publishers/publisher.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { SeededRandom } from '../support/fake-random.ts';

/** Shares of attempts. */
export interface Faults {
  readonly adbNeverAppears: number;
  readonly connectionDrops: number;
  readonly navigationStuck: number;
  readonly account: number;
  readonly content: number;
  readonly afterCommit: number;
}

export interface Bursts {
  readonly count: number;
  /** Share of the phones that one takes with it. */
  readonly share: number;
  readonly withinMs: number;
}

export interface Attempted {
  readonly job: string;
  readonly account: string;
  readonly device: string;
  readonly startMs: number;
  endMs: number;
  how: 'published' | 'infrastructure' | 'account' | 'content' | 'uncertain' | 'broken off';
}

type Fault = keyof Faults | 'none';

const SIGMA = Math.log(311 / 216) / 1.2816;
const LONGEST_MS = 415_000;
/** Share of an attempt that lies before the commit point. */
const BEFORE_COMMIT = 0.85;

/** A cloud phone spends most of an attempt on starting; the shares are of the time before the commit point. */
const BEFORE = [
  ['prepare', 0.35],
  ['push', 0.15],
  ['open', 0.1],
  ['identify', 0.1],
  ['compose', 0.3],
] as const;

export class Rack {
  readonly posts: { readonly job: string; readonly account: string; readonly sha256: string; readonly atMs: number }[] = [];
  readonly attempts: Attempted[] = [];
  /** When each account last came to the point where a post may have been made. */
  readonly committedMs = new Map<string, number>();
  readonly content = new Set<string>();
  readonly blocked = new Set<string>();
  /** Accounts or phones that two attempts used at the same time. */
  overlaps = 0;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly #speed: number;
  readonly #inUse = new Set<string>();
  readonly #sessions = new Map<string, AbortController>();
  readonly #downUntilMs = new Map<string, number>();

  /** @param speed attempts take this share of the measured time */
  constructor(clock: Clock, seed: number, faults: Faults, speed = 1) {
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
    this.#faults = faults;
    this.#speed = speed;
  }

  readonly publisher: Publisher = {
    name: 'rack',
    needs: { appium: true, device: true },
    settleMs: 20_000,
    publish: (job, ctx) => this.publish(job, ctx),
    verify: async (job, ctx): Promise<Verdict> => {
      await this.#spend(10_000 * this.#speed, ctx.signal);
      return this.posts.some((post) => post.job === job.id) ? 'published' : 'absent';
    },
  };

  async publish(job: PublishJob, ctx: Pick<PublishContext, 'signal' | 'phase' | 'commit'>): Promise<void> {
    const device = job.device ?? '';
    const attempt: Attempted = { job: job.id, account: job.account, device, startMs: this.#clock.now(), endMs: 0, how: 'broken off' };
    this.attempts.push(attempt);
    const used = [job.account, `phone ${device}`];
    for (const name of used) if (this.#inUse.has(name)) this.overlaps += 1;
    for (const name of used) this.#inUse.add(name);
    const session = new AbortController();
    this.#sessions.set(device, session);
    try {
      await this.#act(job, ctx, attempt, AbortSignal.any([ctx.signal, session.signal]));
    } finally {
      for (const name of used) this.#inUse.delete(name);
      attempt.endMs = this.#clock.now();
    }
  }

  /** What all sessions run on dies. */
  endSessions(): void {
    for (const session of this.#sessions.values()) session.abort(new Error('A session is either terminated or not started'));
  }

  /** Appium dies on several phones at once, again and again. */
  async burst(phones: readonly string[], { count, share, withinMs }: Bursts, stop: AbortSignal): Promise<void> {
    const times = Array.from({ length: count }, () => this.#random.fraction() * withinMs).sort((a, b) => a - b);
    let passed = 0;
    for (const at of times) {
      if (!(await this.#clock.sleep(at - passed, 'next burst', stop))) return;
      passed = at;
      for (const phone of phones) {
        if (this.#random.fraction() >= share) continue;
        this.#downUntilMs.set(phone, this.#clock.now() + 5_000 + this.#random.fraction() * 35_000);
        this.#sessions.get(phone)?.abort(new Error('A session is either terminated or not started'));
      }
    }
  }

  async #act(job: PublishJob, ctx: Pick<PublishContext, 'phase' | 'commit'>, attempt: Attempted, signal: AbortSignal): Promise<void> {
    const durationMs = Math.min(216_000 * Math.exp(SIGMA * this.#normal()), LONGEST_MS) * this.#speed;
    const fault = this.#drawFault();
    const fail = (how: Attempted['how'], error: unknown): never => {
      attempt.how = how;
      throw error;
    };
    try {
      ctx.phase('prepare');
      await this.#untilUp(attempt, signal);
      if (fault === 'adbNeverAppears') {
        await this.#spend(60_000 * this.#speed, signal);
        fail('infrastructure', new Error('Device 192.0.2.7:5555 never appeared in ADB devices list after 60s'));
      }
      const breaksAt = this.#random.fraction() * BEFORE_COMMIT;
      const early = fault === 'none' || fault === 'afterCommit' ? BEFORE_COMMIT : breaksAt;
      for (const [phase, share] of BEFORE) {
        ctx.phase(phase);
        await this.#spend(durationMs * early * share, signal);
      }
    } catch (error) {
      if (attempt.how === 'broken off') attempt.how = 'infrastructure';
      throw error;
    }
    if (fault === 'connectionDrops') fail('infrastructure', new Error('error: device offline'));
    if (fault === 'navigationStuck') fail('infrastructure', new Error('Loop recovery failed - could not escape stuck state'));
    if (fault === 'account') {
      this.blocked.add(job.account);
      fail('account', Object.assign(new Error('a captcha is shown'), { category: 'account', type: 'captcha' }));
    }
    if (fault === 'content') {
      this.content.add(job.id);
      fail('content', Object.assign(new Error('the app refused the video'), { category: 'content', type: 'rejected' }));
    }
    await ctx.commit();
    this.committedMs.set(job.account, this.#clock.now());
    if (fault !== 'afterCommit' || this.#random.fraction() < 0.6) {
      this.posts.push({ job: job.id, account: job.account, sha256: job.video.sha256, atMs: this.#clock.now() });
    }
    if (fault === 'afterCommit') fail('uncertain', new Error('socket hang up'));
    ctx.phase('confirm');
    attempt.how = 'uncertain';
    await this.#spend(durationMs * (1 - BEFORE_COMMIT), signal);
    attempt.how = 'published';
  }

  /** A phone whose Appium is down is waited for like a session is: 20 s. */
  async #untilUp({ device }: Attempted, signal: AbortSignal): Promise<void> {
    const leftMs = (this.#downUntilMs.get(device) ?? 0) - this.#clock.now();
    if (leftMs <= 0) return;
    await this.#spend(Math.min(leftMs, 20_000), signal);
    if (leftMs > 20_000) throw new Error('Could not find a connected Android device in 20000ms');
  }

  async #spend(ms: number, signal: AbortSignal): Promise<void> {
    if (!(await this.#clock.sleep(ms, 'the phone works', signal))) throw signal.reason;
  }

  #drawFault(): Fault {
    let left = this.#random.fraction();
    for (const [name, share] of Object.entries(this.#faults)) {
      if (left < share) return name as Fault;
      left -= share;
    }
    return 'none';
  }

  /** Box and Muller's. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random.fraction())) * Math.cos(2 * Math.PI * this.#random.fraction());
  }
}

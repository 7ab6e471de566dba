/**
 * The publishers of a simulated world: one that works a phone's app, one that
 * talks to a service. Most of the time they keep the contract of
 * publishers/publisher.ts; their moods (weather) are every way to fail it that
 * the product must survive.
 */
import type { Verdict } from '../../src/domain/job.ts';
import type { PublishContext, Publisher, PublishJob } from '../../src/publishers/publisher.ts';
import type { Chance } from './chance.ts';
import type { Mood } from './moods.ts';
import { type Flight, keyOf, type Platform, SETTLE_MS } from './platform.ts';
import type { SimProcess } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

export type Kind = 'phone' | 'module';

export interface SimPublisherParts {
  readonly kind: Kind;
  readonly process: SimProcess;
  readonly platform: Platform;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly mood: () => Mood;
  /** The instant of the job's commit point, as the world saw it. */
  readonly committedMs: (jobId: string) => number | undefined;
  readonly onCommitted: (flight: Flight) => void;
  readonly onLanded: (key: string) => void;
}

type LookContext = Omit<PublishContext, 'commit'>;

/** The phone's session was ended under our hands: the driver says so, and that proves that the tap was not sent. */
const ENDED = 'A session is either terminated or not started';
const NEVER = new Promise<never>(() => {});

export class SimPublisher implements Publisher {
  readonly name: string;
  readonly needs: { readonly appium: boolean; readonly device: boolean };
  readonly settleMs: number;
  readonly #parts: SimPublisherParts;

  constructor(parts: SimPublisherParts) {
    this.#parts = parts;
    this.name = parts.kind;
    this.needs = { appium: false, device: parts.kind === 'phone' };
    this.settleMs = SETTLE_MS[parts.kind];
  }

  async publish(job: PublishJob, ctx: PublishContext): Promise<void> {
    const { platform, process, mood } = this.#parts;
    const session = job.device === null ? null : { phone: job.device, number: platform.openSession(job.device) };
    const flight: Flight = { process, account: job.account, key: keyOf(job), job: job.id, session, committed: false, acted: false };
    platform.flights.add(flight);
    try {
      await this.#publish(flight, ctx, mood());
    } finally {
      platform.flights.delete(flight);
    }
  }

  async verify(job: PublishJob, ctx: LookContext): Promise<Verdict | 'unknown'> {
    const { process, platform, mood } = this.#parts;
    const look = mood().look;
    if (look === 'fails') throw new Error('socket hang up');
    if (look === 'blind') return 'unknown';
    if (job.device === null) return await process.pass('publisher.look', () => this.#look(job));
    const { device } = job;
    await process.pass('publisher.open', () => void platform.openSession(device));
    const first = await process.pass('publisher.look', () => this.#look(job));
    if (first !== 'absent') return first;
    await process.clock.sleep(this.settleMs, 'the app settles', ctx.signal);
    ctx.signal.throwIfAborted();
    return await process.pass('publisher.look', () => this.#look(job));
  }

  #look(job: PublishJob): Verdict | 'unknown' {
    const answer = { public: 'published', uploading: 'unknown', nothing: 'absent' } as const;
    return answer[this.#parts.platform.look(keyOf(job))];
  }

  async #publish(flight: Flight, ctx: PublishContext, mood: Mood): Promise<void> {
    const { chance, process } = this.#parts;
    ctx.phase('prepare');
    await this.#work(chance.between(100, 3_000), ctx, mood);
    if (mood.before === 'hangs') await NEVER;
    if (mood.before === 'throws a string') throw 'the app is not there';
    if (mood.before !== null && mood.before !== 'ignores') throw mood.before;
    ctx.phase('compose');
    await this.#work(mood.lateMs ?? chance.between(100, 3_000), ctx, mood);
    if (mood.forgets) return await this.#act(flight, mood, process.clock.now());
    ctx.phase('commit');
    const calledMs = process.clock.now();
    await ctx.commit();
    flight.committed = true;
    this.#parts.onCommitted(flight);
    if (mood.actLateMs !== null) await process.clock.sleep(mood.actLateMs, 'a slow tap');
    await this.#act(flight, mood, calledMs);
    if (mood.commitsTwice) {
      await ctx.commit();
      await this.#act(flight, mood, calledMs);
    }
    ctx.phase('confirm');
    if (mood.after === 'hangs') await NEVER;
    await this.#confirm(flight, ctx);
  }

  /** The irreversible act, once. */
  async #act(flight: Flight, mood: Mood, calledMs: number): Promise<void> {
    const { process, platform } = this.#parts;
    await process.pass('publisher.act', () => {
      const lives = platform.sessionLives(flight);
      flight.acted = true;
      if (!lives) throw Object.assign(new Error(ENDED), { proofOfAbsence: true });
      if (mood.act === 'not sent, proven') throw Object.assign(new Error('connect ECONNREFUSED'), { proofOfAbsence: true });
      if (mood.act === 'not sent') throw new Error('socket hang up');
      this.#send(flight, mood, calledMs);
    });
    if (mood.act === 'answer lost') throw new Error('timeout of 30000 ms exceeded');
  }

  /** From here on it happens, whatever becomes of the process. */
  #send(flight: Flight, mood: Mood, calledMs: number): void {
    const { platform, timeline, chance, kind, onLanded, committedMs } = this.#parts;
    const { account, key } = flight;
    const committedWallMs = committedMs(flight.job) ?? calledMs;
    platform.onTheWay += 1;
    timeline.after(kind === 'module' ? chance.between(0, 2_000) : 0, () => {
      platform.onTheWay -= 1;
      const now = timeline.monotonic();
      const hiddenUntilMs = now + chance.between(0, 0.7 * SETTLE_MS[kind]);
      const endMs = hiddenUntilMs + mood.uploadMs;
      const lost = mood.act === 'upload lost';
      const times = lost ? { publicMs: Number.POSITIVE_INFINITY, lostMs: endMs } : { publicMs: endMs, lostMs: Number.POSITIVE_INFINITY };
      platform.land({ account, key, committedWallMs, hiddenUntilMs, ...times });
      if (!lost) onLanded(key);
    });
  }

  async #confirm(flight: Flight, ctx: PublishContext): Promise<void> {
    const { process, platform } = this.#parts;
    for (let looks = 0; looks < 12; looks += 1) {
      await process.clock.sleep(2_500, 'until it is public', ctx.signal);
      ctx.signal.throwIfAborted();
      if ((await process.pass('publisher.look', () => platform.look(flight.key))) === 'public') return;
    }
    throw new Error('it was not seen on the profile');
  }

  async #work(ms: number, ctx: PublishContext, mood: Mood): Promise<void> {
    const { process } = this.#parts;
    await process.clock.sleep(ms, 'work', mood.before === 'ignores' ? undefined : ctx.signal);
    if (mood.before !== 'ignores') ctx.signal.throwIfAborted();
  }
}

/**
 * Looks after uncertain jobs: was it published? Looks again with growing gaps,
 * because apps upload in the background and moderation can take hours; in the
 * end a human settles what no look could.
 *
 * `absent` is believed only when the old holder is cut off: no publish() of ours
 * is under way, and (apps on phones) the look itself opened a new session, which
 * ends the old one, or (modules) nobody who ever held it may still live. Only jobs that were claimed here are
 * looked at; what an import or posted.jsonl brought is for a human.
 */
import { withDoubt } from '../domain/failure-types.ts';
import type { Job, Verdict } from '../domain/job.ts';
import { againAtMs, decide, type RetryPolicy } from '../domain/retry.ts';
import { SchedulerError } from '../errors.ts';
import type { ChosenPublisher } from '../publishers/publisher.ts';
import { type Clock, isoTime, withLimit } from '../runtime/clock.ts';
import { holds } from '../runtime/condition.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { PostedLedger, Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';
import { READY_LIMIT_MS } from './appium-guard.ts';
import type { DoubtedHolders } from './doubted-holders.ts';
import { type EvidenceKeeper, Trace } from './evidence.ts';
import type { Progress } from './progress.ts';
import { publishJob } from './publish-job.ts';
import type { Rests } from './rests.ts';
import type { Unsettled } from './unsettled.ts';
import type { Wake } from './wake.ts';

export interface VerifySettings {
  /** From the first look, which comes when a post has had its time to be seen, to the second. */
  readonly secondLookMs: number;
  readonly gapsMs: readonly number[];
  readonly giveUpMs: number;
}

export interface VerifierParts {
  readonly store: Store;
  readonly ledger: PostedLedger;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly epoch: number;
  readonly doubted: Pick<DoubtedHolders, 'holderOf'>;
  readonly evidence: EvidenceKeeper;
  readonly rests: Rests;
  readonly unsettled: Unsettled;
  readonly settings: VerifySettings;
  readonly publisherOf: (account: string) => ChosenPublisher;
  readonly appOf: (account: string) => string;
  readonly retryPolicy: (job: Job) => RetryPolicy;
  /** Resolves true when what the publishers need (Appium) is ready; calls `alive` while it tries. */
  readonly ready: (stop: AbortSignal, alive: () => void) => Promise<boolean>;
  readonly progress: Progress;
  /** Rings when an account is free again, and hears when an attempt has ended: it may have left a doubt. */
  readonly wake: Pick<Wake, 'notify' | 'listen'>;
}

export interface PlannedLook {
  readonly job: string;
  readonly atMs: number;
}

type Doubt = Job & { readonly account: string; readonly uncertainMs: number };

const WHO = 'verifier';
/** One look: a session, the profile, the app's time to settle, and a second look. */
const LOOK_LIMIT_MS = 300_000;
/** A phone that is in use is asked for again after this. */
const PHONE_BUSY_MS = 15_000;
const IDLE_MS = 30_000;

export class Verifier {
  readonly #parts: VerifierParts;
  /** When each job was last looked at in this life; a new life begins with a look at once. */
  readonly #looked = new Map<string, number>();
  readonly #postponed = new Map<string, number>();
  /** Since when each doubt is there, on a clock that may have been set back by years since it was written down. */
  readonly #since = new Map<string, { readonly uncertainMs: number; readonly sinceMs: number }>();
  /** Jobs that an earlier holder may have had in hand, with the monotonic time of the first look that found him gone; null = not yet. */
  readonly #goneSince = new Map<string, number | null>();
  #looks: readonly PlannedLook[] = [];

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  /** Looks at whatever is due until `stop`. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, logger, wake, progress } = this.#parts;
    while (!stop.aborted) {
      const wait = wake.listen();
      progress.enter(WHO, 'looking what is due', LOOK_LIMIT_MS);
      try {
        await this.lookAtDue(stop);
        const next = await this.nextLookMs();
        const waitMs = next === null ? IDLE_MS : Math.min(IDLE_MS, Math.max(next - clock.now(), 100));
        progress.enter(WHO, 'waiting for the next look', waitMs);
        await wait(waitMs, 'next look at an uncertain job', stop);
      } catch (error) {
        if (!stop.aborted) logger.error({ err: error }, 'Uncertain jobs could not be looked at');
        await clock.sleep(IDLE_MS, 'pause after trouble', stop);
      }
    }
    progress.leave(WHO);
  }

  /** When the next look is due, epoch ms; null = no look will come, only humans. */
  async nextLookMs(): Promise<number | null> {
    this.#looks = (await this.#doubts()).flatMap((job) => {
      const atMs = this.#dueMs(job);
      return atMs === null ? [] : [{ job: job.id, atMs }];
    });
    return this.#looks.length === 0 ? null : Math.min(...this.#looks.map(({ atMs }) => atMs));
  }

  /** The looks to come, as `nextLookMs` last found them. What is uncertain and not among them waits for a person. */
  looks(): readonly PlannedLook[] {
    return this.#looks;
  }

  async lookAtDue(stop: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (const job of await this.#doubts()) {
      if (stop.aborted) return;
      const due = this.#dueMs(job);
      if (due !== null && due <= clock.now()) await this.#look(job, stop);
    }
  }

  async #doubts(): Promise<readonly Doubt[]> {
    const jobs = await this.#parts.store.jobs({ statuses: ['uncertain'] });
    const open = new Set(jobs.map(({ id }) => id));
    // What is settled is forgotten: a later doubt about the same job is a new one.
    for (const notes of [this.#looked, this.#postponed, this.#since, this.#goneSince])
      for (const id of notes.keys()) if (!open.has(id)) notes.delete(id);
    return jobs.filter(
      (job): job is Doubt =>
        job.account !== null &&
        job.claimedMs !== null &&
        job.uncertainMs !== null &&
        this.#parts.publisherOf(job.account).publisher.verify !== undefined,
    );
  }

  /** The first instant of the plan (settle, then growing gaps) after the last look; null once it is given up. */
  #dueMs(job: Doubt): number | null {
    const { settings, publisherOf, clock } = this.#parts;
    const { uncertainMs } = job;
    const now = clock.now();
    const noted = this.#since.get(job.id);
    const sinceMs = Math.min(now, noted?.uncertainMs === uncertainMs ? noted.sinceMs : uncertainMs);
    this.#since.set(job.id, { uncertainMs, sinceMs });
    // A clock that was set back must not make anybody wait until it is there again.
    const last = lowered(this.#looked, job.id, now);
    const postponed = lowered(this.#postponed, job.id, now + PHONE_BUSY_MS) ?? 0;
    const first = sinceMs + (publisherOf(job.account).publisher.settleMs ?? 0);
    if (last === undefined) return Math.max(first, postponed);
    let at = first + settings.secondLookMs;
    for (let step = 0; at <= last; step++) {
      const gap = settings.gapsMs[Math.min(step, settings.gapsMs.length - 1)] ?? IDLE_MS;
      at += Math.max(gap, 1_000);
    }
    if (at > sinceMs + settings.giveUpMs) return null;
    return Math.max(at, postponed);
  }

  async #look(job: Doubt, stop: AbortSignal): Promise<void> {
    const { store, clock, rests, ready, publisherOf, progress } = this.#parts;
    const { publisher } = publisherOf(job.account);
    const device = publisher.needs.device ? ((await store.account(job.account))?.device ?? job.device) : null;
    // First take the phone from the workers' next claims, then see whether one of them has it already.
    const free = device === null ? () => {} : rests.take(device);
    try {
      if (device !== null && (await this.#inUse(device))) {
        this.#postponed.set(job.id, clock.now() + PHONE_BUSY_MS);
        return;
      }
      const alive = () => progress.enter(WHO, 'waiting for Appium', READY_LIMIT_MS);
      if (publisher.needs.appium && !(await ready(stop, alive))) return;
      progress.enter(WHO, `a look at ${job.id}`, LOOK_LIMIT_MS);
      const verdict = await this.#ask(job, device, stop);
      // A person may have settled it meanwhile, and its next try may be in doubt by now: of that one nothing was seen.
      if (stop.aborted || (await store.job(job.id))?.attempts !== job.attempts) return;
      this.#looked.set(job.id, clock.now());
      await this.#conclude(job, verdict);
    } finally {
      free();
    }
  }

  async #inUse(device: string): Promise<boolean> {
    const busy = await this.#parts.store.jobs({ statuses: ['claimed', 'committing'] });
    return busy.some((job) => job.device === device);
  }

  /** What the publisher sees; a look that fails has seen nothing. */
  async #ask(job: Doubt, device: string | null, stop: AbortSignal): Promise<Verdict | 'unknown'> {
    const { clock, evidence, logger, publisherOf, appOf, retryPolicy } = this.#parts;
    const { publisher, options } = publisherOf(job.account);
    const trace = new Trace(evidence, logger.child({ job: job.id, account: job.account, who: WHO }), job);
    const facts = { app: appOf(job.account), maxAttempts: job.maxAttempts ?? retryPolicy(job).maxAttempts, device };
    const limit = { ms: LOOK_LIMIT_MS, reason: `look at ${job.id}`, signal: stop };
    // Asked before the look: whoever could still act while it looked, may have acted behind its back.
    // A look through a phone waits by itself, after its new session has cut off the old one; on another phone it cuts off nobody.
    const { unsettled } = this.#parts;
    const settleMs = publisher.settleMs ?? 0;
    const cutOff = publisher.needs.device
      ? !unsettled.has(job.id, 0) && device === job.device
      : !unsettled.has(job.id, settleMs) && (await this.#isGone(job, settleMs));
    try {
      const verdict = await withLimit(clock, limit, async (signal) => {
        const log = { info: trace.info, warn: trace.warn };
        const look = {
          signal,
          log,
          options,
          phase: () => {},
          evidence: (name: string, bytes: Uint8Array) => trace.keep(`look-${name}`, bytes),
        };
        return (await publisher.verify?.(publishJob(job, facts), look)) ?? 'unknown';
      });
      return verdict === 'absent' && !cutOff ? 'unknown' : verdict;
    } catch (error) {
      if (!stop.aborted) trace.warn(`The look failed: ${error instanceof Error ? error.message : String(error)}`);
      return 'unknown';
    }
  }

  /** What a holder did last needs its time to be seen: he must have been gone for `settleMs` before a look proves anything. */
  async #isGone(job: Doubt, settleMs: number): Promise<boolean> {
    const { clock, doubted } = this.#parts;
    if ((await doubted.holderOf(job)) !== null) {
      this.#goneSince.set(job.id, null);
      return false;
    }
    const seen = this.#goneSince.get(job.id);
    if (seen === undefined) return true; // nobody but this life ever had it, or the rescue's own wait has counted him out
    const since = seen ?? clock.monotonic();
    this.#goneSince.set(job.id, since);
    return clock.monotonic() - since >= settleMs;
  }

  async #conclude(job: Doubt, verdict: Verdict | 'unknown'): Promise<void> {
    const { store, ledger, clock, logger, epoch, wake } = this.#parts;
    if (verdict === 'unknown') {
      const next = this.#dueMs(job);
      const fields = { job: job.id, account: job.account };
      const what = `Job ${job.id}: it cannot be told whether it was published`;
      if (next === null) callPerson(logger, 'uncertain', fields, `${what}; a person must settle it`);
      else logger.warn(fields, `${what}; next look at ${isoTime(next)}`);
      return;
    }
    const retryAtMs = verdict === 'absent' ? this.#retryAtMs(job) : null;
    const account = verdict === 'published' ? ({ type: 'clear' } as const) : undefined;
    const change = { event: { type: 'verdict', verdict, retryAtMs, by: WHO }, claim: null, epoch, who: WHO } as const;
    try {
      await store.change(job.id, account ? { ...change, account } : change);
    } catch (error) {
      if (error instanceof SchedulerError && error.code === 'ILLEGAL_TRANSITION') return; // a person was faster
      throw error;
    }
    const record = { account: job.account, sha256: job.sha256 ?? '', repeat: job.repeat, job: job.id, atMs: clock.now() };
    await (verdict === 'published' ? ledger.confirm(record) : ledger.withdraw(record));
    logger.info({ job: job.id, account: job.account, verdict }, `Job ${job.id}: a look at the profile says ${verdict}`);
    wake.notify();
  }

  /** The attempt was really made: it is not given back. */
  #retryAtMs(job: Doubt): number | null {
    const { clock, random, retryPolicy } = this.#parts;
    if (job.failure === null) return clock.now();
    const failure = withDoubt(job.failure, false);
    const asked = { ...job, status: 'claimed' } as const;
    return againAtMs(decide({ job: asked, failure, policy: retryPolicy(job), now: clock.now(), fraction: random.fraction(), holds }));
  }
}

/** What is noted under `id`, brought down to `limitMs` for good where it is above. */
function lowered(notes: Map<string, number>, id: string, limitMs: number): number | undefined {
  const noted = notes.get(id);
  if (noted !== undefined && noted > limitMs) notes.set(id, limitMs);
  return notes.get(id);
}

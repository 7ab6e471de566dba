/**
 * What `--status` says, built from a store that is only read, the lock file and
 * the `live` value that a running daemon writes. The object is a published
 * format: programs rely on its keys. How it looks to a person is cli's.
 *
 * Stays light: it is on the path of a command that has 150 ms in all.
 */
import type { Job, JobStatus } from '../domain/job.ts';
import { isoTime } from '../runtime/clock.ts';
import type { AccountStanding, JobCounts, StoreReader } from '../stores/store.ts';
import { PAUSED, PAUSED_PHONES } from './pause.ts';
import { TROUBLED_SHOWN, type TroubledJobView, troubledJobs } from './troubled-jobs.ts';

export type { StoreReader };

export interface LockView {
  /** `stale`: there is a lock file, but its holder is gone or silent. */
  readonly state: 'held' | 'stale' | 'none';
  readonly pid: number | null;
  readonly started: string | null;
  readonly last_heartbeat: string | null;
  readonly epoch: number | null;
}

export interface AccountView {
  readonly name: string;
  /** `paused`: it is not in scheduler.yaml any more. */
  readonly state: 'active' | 'cooldown' | 'hold' | 'paused';
  readonly posted_today: number;
  readonly cap: number;
  /** ISO; null = now, or not by time alone. */
  readonly next_at: string | null;
  readonly cooldown_until: string | null;
  readonly consecutive_failures: number;
  /** Why it does not post now; null = it may. */
  readonly reason: string | null;
}

export interface UncertainView {
  readonly job: string;
  readonly account: string | null;
  readonly since: string | null;
  /** When the running scheduler looks whether it is public; ISO. null = it does not any more: a person must. */
  readonly next_look: string | null;
}

export interface RestingView {
  readonly kind: string;
  readonly name: string;
  readonly until: string | null;
  readonly why: string;
}

export interface PutOffView {
  readonly job: string;
  readonly account: string | null;
  readonly since: string | null;
  readonly why: string | null;
}

/** The object of `--status --json`; keys and shapes are those of docs/operations.md. */
export interface Status {
  readonly home: string;
  readonly store: string;
  readonly running: boolean;
  /** ISO; when a scheduler of this home was last seen alive. null = it runs now, or there never was one. */
  readonly last_alive: string | null;
  /** No post is begun; by a person it outlasts the daemon. */
  readonly paused: boolean;
  readonly lock: LockView;
  readonly jobs: { readonly total: number } & Readonly<Record<JobStatus, number>>;
  readonly accounts: readonly AccountView[];
  readonly accounts_on_cooldown: readonly string[];
  /** Phones that a person paused, whether they are there or not. */
  readonly paused_devices: readonly string[];
  readonly devices: readonly unknown[];
  readonly appium: readonly { readonly url: string; readonly healthy: boolean }[];
  readonly uncertain: readonly UncertainView[];
  /** The first of those to be retried, then of those that failed (`jobs` has their numbers), then of those that were put off. */
  readonly troubled_jobs: readonly TroubledJobView[];
  /** What rests because it fails: phones, servers, steps of an app. `until` is when it is tried again. */
  readonly resting: readonly RestingView[];
  /** The first of the jobs put off again and again for longer than `defer_limit`, longest first. */
  readonly put_off: readonly PutOffView[];
  /** How many there are of them in all. */
  readonly put_off_total: number;
  readonly workers: readonly { readonly id: number; readonly jobs_completed: number; readonly jobs_failed: number }[];
  readonly config: unknown;
  readonly pass_count: number;
  readonly final_result: string | null;
  readonly pass_history: readonly unknown[];
}

/** What a worker is doing right now; for people only. */
export interface WorkingView {
  readonly worker: string;
  readonly job: string;
  readonly account: string | null;
  readonly device: string | null;
  readonly phase: string;
  /** ISO */
  readonly since: string | null;
}

export interface StatusPage {
  readonly status: Status;
  /** Empty when nothing runs. */
  readonly working: readonly WorkingView[];
  /** Accounts that wait for a correction of the configuration, or for their phone. */
  readonly troubled: readonly { readonly account: string; readonly why: string }[];
  /** Of accounts on hold: the jobs that failed for good by what the platform said. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
  /** A scheduler runs, and its database is not there. */
  readonly vanished: boolean;
  /** Why nothing is begun; null = it is not paused, or nobody knows. */
  readonly pauseReason: string | null;
  readonly atMs: number;
}

export interface StatusQuestion {
  /** null = there is no store yet; nothing is created for a look. */
  readonly reader: StoreReader | null;
  readonly home: string;
  /** Path or URL. */
  readonly store: string;
  readonly lock: LockView;
  readonly nowMs: number;
  /** The settings of this command; absent = those the daemon last ran with. */
  readonly config?: unknown;
}

/** As many uncertain jobs as a person can settle; there is at most one an account. */
const UNCERTAIN_SHOWN = 1_000;

/** More accounts on hold than a person reads at once. */
const HELD_LOOKED_UP = 12;

const A_WEEK_MS = 604_800_000;

const NO_JOBS: JobCounts = { pending: 0, claimed: 0, committing: 0, uncertain: 0, retrying: 0, success: 0, failed: 0, skipped: 0 };

export async function buildStatus(question: StatusQuestion): Promise<StatusPage> {
  const { reader, home, store, lock, nowMs } = question;
  const running = lock.state === 'held';
  const counts = (await reader?.counts()) ?? NO_JOBS;
  const standings = (await reader?.accounts(nowMs)) ?? [];
  const accounts = standings.map((account) => accountView(account, { running, nowMs }));
  const uncertain = counts.uncertain === 0 ? [] : ((await reader?.jobs({ statuses: ['uncertain'], limit: UNCERTAIN_SHOWN })) ?? []);
  const live = record(await reader?.value('live'));
  const looks = running ? plannedLooks(live) : new Map<string, string>();
  const history = list(await reader?.value('pass_history'));
  const finalResult = await reader?.value('final_result');
  const config = question.config ?? (await reader?.value('config')) ?? null;
  const putOffSince = async (sinceMs: number) => (await reader?.putOffSince(sinceMs, TROUBLED_SHOWN)) ?? { jobs: [], total: 0 };
  const putOff = await putOffSince(nowMs - deferLimitMs(config));
  const status: Status = {
    home,
    store,
    running,
    last_alive: running ? null : latest(lock.last_heartbeat, text(live.updated_at)),
    paused: (await reader?.value(PAUSED)) === true || (running && live.paused === true),
    lock,
    jobs: { total: Object.values(counts).reduce((sum, count) => sum + count, 0), ...counts },
    accounts,
    accounts_on_cooldown: accounts.filter((account) => account.state === 'cooldown').map((account) => account.name),
    paused_devices: list(await reader?.value(PAUSED_PHONES)).flatMap((name) => text(name) ?? []),
    devices: running ? list(live.devices) : [],
    appium: running ? list(live.appium).map((one) => ({ url: text(record(one).url) ?? '', healthy: record(one).healthy === true })) : [],
    uncertain: uncertain.map(({ id, account, uncertainMs }) => ({
      job: id,
      account,
      since: iso(uncertainMs),
      next_look: looks.get(id) ?? null,
    })),
    troubled_jobs: await troubledJobs({ reader, counts, standings, putOff: (await putOffSince(nowMs)).jobs }),
    resting: list(await reader?.value('breakers')).flatMap((one) => restingView(record(one))),
    put_off: putOff.jobs.map(putOffView),
    put_off_total: putOff.total,
    workers: list(live.workers).map((one) => workerView(record(one))),
    config,
    pass_count: history.length,
    final_result: typeof finalResult === 'string' ? finalResult : null,
    pass_history: history,
  };
  return {
    status,
    working: running ? working(list(live.workers)) : [],
    troubled: troubled(standings),
    refused: await refusedJobs(reader, accounts),
    vanished: running && reader === null,
    pauseReason: running ? text(live.pause_reason) : null,
    atMs: nowMs,
  };
}

const WAITS: Readonly<Record<NonNullable<AccountStanding['waitReason']>, string>> = {
  busy: 'posts right now',
  uncertain: 'waits until its uncertain post is settled',
  paused: 'paused',
  hold: 'on hold',
  configuration: 'waits for its configuration',
  cooldown: 'rests after failures of machines',
  cap: 'has posted as often as allowed today',
  window: 'outside its hours',
  gap: 'keeps the gap after its last post',
};

/** What the running scheduler wrote into `live`: the uncertain jobs that it looks at again, and when (ISO). */
export function plannedLooks(live: unknown): ReadonlyMap<string, string> {
  return new Map(list(record(live).looks).map((one) => [text(record(one).job) ?? '', text(record(one).at) ?? '']));
}

async function refusedJobs(reader: StoreReader | null, accounts: readonly AccountView[]): Promise<StatusPage['refused']> {
  const refused = new Map<string, readonly string[]>();
  for (const { name } of accounts.filter(({ state }) => state === 'hold').slice(0, HELD_LOOKED_UP)) {
    const failed = (await reader?.jobs({ statuses: ['failed'], account: name, limit: TROUBLED_SHOWN })) ?? [];
    const ids = failed.filter(({ failure }) => failure?.category === 'account').map(({ id }) => id);
    refused.set(name, ids);
  }
  return refused;
}

/** Whoever is busy without a scheduler was left so by one that died. */
const CUT_OFF = 'was posting when the scheduler ended; the next start settles it';

function accountView(account: AccountStanding, { running, nowMs }: { readonly running: boolean; readonly nowMs: number }): AccountView {
  const resting = account.cooldownUntilMs !== null && account.cooldownUntilMs > nowMs;
  const cutOff = account.waitReason === 'busy' && !running;
  const why = account.waitReason === null ? null : cutOff ? CUT_OFF : WAITS[account.waitReason];
  return {
    name: account.name,
    state: account.state === 'active' && resting ? 'cooldown' : account.state,
    posted_today: account.postedToday,
    cap: account.policy.postsPerDay,
    next_at: account.waitReason === null ? null : iso(account.nextAtMs),
    cooldown_until: resting ? iso(account.cooldownUntilMs) : null,
    consecutive_failures: account.consecutiveFailures,
    reason: (account.state === 'active' ? account.trouble : account.reason) ?? why,
  };
}

function troubled(standings: readonly AccountStanding[]): StatusPage['troubled'] {
  return standings.flatMap(({ name, state, trouble }) => (state === 'active' && trouble !== null ? [{ account: name, why: trouble }] : []));
}

function workerView(one: Readonly<Record<string, unknown>>): Status['workers'][number] {
  return { id: number(one.id), jobs_completed: number(one.jobs_completed), jobs_failed: number(one.jobs_failed) };
}

function working(workers: readonly unknown[]): WorkingView[] {
  return workers.flatMap((one) => {
    const { id, job, account, device, phase, since } = record(one);
    if (typeof job !== 'string') return [];
    return [{ worker: String(id), job, account: text(account), device: text(device), phase: text(phase) ?? '', since: text(since) }];
  });
}

function deferLimitMs(config: unknown): number {
  const seconds = record(config).defer_limit_seconds;
  return typeof seconds === 'number' ? seconds * 1_000 : A_WEEK_MS;
}

function putOffView({ id, account, deferredSinceMs, note }: Job): PutOffView {
  return { job: id, account, since: iso(deferredSinceMs ?? null), why: note };
}

function restingView({ kind, name, untilMs, why }: Readonly<Record<string, unknown>>): RestingView[] {
  if (typeof untilMs !== 'number') return [];
  return [{ kind: text(kind) ?? '', name: text(name) ?? '', until: iso(untilMs), why: text(why) ?? '' }];
}

/** Of two instants in ISO form. */
function latest(one: string | null, other: string | null): string | null {
  return one === null || other === null ? (one ?? other) : one > other ? one : other;
}

function iso(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

// The values below come from a store that another version may have written.
function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

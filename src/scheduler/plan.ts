/**
 * What `--plan` says: who posts what, when and where, and why not. A forecast
 * from the rules alone (due times, caps, windows, gaps), as if every post took
 * no time and succeeded; the claim itself is the store's.
 */

import type { Account, AccountPolicy } from '../domain/account.ts';
import type { Job } from '../domain/job.ts';
import { localDay } from '../domain/local-time.ts';
import { eligibility } from '../domain/select.ts';
import { isoTime, parseIsoTime } from '../runtime/clock.ts';
import type { AccountStanding, StoreReader } from '../stores/store.ts';
import { plannedLooks } from './status.ts';

export interface PlanRow {
  /** null = whichever of its accounts is free first. */
  readonly account: string | null;
  readonly job: string;
  readonly video: string;
  /** ISO; null = not by time alone, see `why`. */
  readonly at: string | null;
  readonly device: string | null;
  /** What is in the way until then; null = nothing. */
  readonly why: string | null;
}

export interface Plan {
  readonly rows: readonly PlanRow[];
  /** Jobs that wait but are not listed. */
  readonly more: number;
}

const DEFAULT_ROWS = 200;

export async function buildPlan(reader: StoreReader, nowMs: number, limit = DEFAULT_ROWS): Promise<Plan> {
  const counts = await reader.counts();
  const jobs = await reader.jobs({ statuses: ['pending', 'retrying'], limit });
  const looks = counts.uncertain === 0 ? new Map<string, number>() : await looksByAccount(reader);
  const slots = new Map(
    (await reader.accounts(nowMs)).map((account) => [account.name, new Slots(account, nowMs, looks.get(account.name) ?? null)]),
  );
  const ordered = [...jobs].sort((a, b) => a.dueMs - b.dueMs || a.priority - b.priority || a.seq - b.seq);
  const rows = ordered.map((job) =>
    job.account === null ? freeRow(job, [...slots.values()], nowMs) : boundRow(job, slots.get(job.account), nowMs),
  );
  return { rows, more: counts.pending + counts.retrying - jobs.length };
}

/** When the scheduler looks whether the last post of an account is public; until then it posts nothing. Epoch ms. */
async function looksByAccount(reader: StoreReader): Promise<ReadonlyMap<string, number>> {
  const looks = plannedLooks(await reader.value('live'));
  const doubts = await reader.jobs({ statuses: ['uncertain'] });
  return new Map(
    doubts.flatMap(({ id, account }) => {
      const atMs = parseIsoTime(looks.get(id) ?? '');
      return atMs === null ? [] : [[account ?? '', atMs]];
    }),
  );
}

function boundRow(job: Job, slots: Slots | undefined, nowMs: number): PlanRow {
  const row = { account: job.account, job: job.id, video: job.videoPath };
  if (slots === undefined) return { ...row, at: null, device: null, why: 'there is no such account' };
  const slot = slots.take(Math.max(job.dueMs, nowMs));
  const putOff = job.dueMs > nowMs && job.deferredSinceMs != null ? job.note : null;
  return { ...row, at: slot.atMs === null ? null : isoTime(slot.atMs), device: slots.device, why: slot.why ?? putOff };
}

/** The reader does not say who is in a job's pool, so its earliest instant is all that can be promised. */
function freeRow(job: Job, slots: readonly Slots[], nowMs: number): PlanRow {
  const row = { account: null, job: job.id, video: job.videoPath, device: null };
  const due = Math.max(job.dueMs, nowMs);
  const [first] = slots.filter((one) => one.look(due).atMs !== null).sort((a, b) => (a.look(due).atMs ?? 0) - (b.look(due).atMs ?? 0));
  if (first === undefined)
    return { ...row, at: null, why: slots.length === 0 ? 'there is no account' : 'every account waits for a person' };
  const { atMs, why } = first.take(due);
  return { ...row, at: atMs === null ? null : isoTime(atMs), why };
}

interface Slot {
  readonly atMs: number | null;
  readonly why: string | null;
}

/** The instants at which one account may post, taken one after another. */
class Slots {
  readonly device: string | null;
  readonly #policy: AccountPolicy;
  #account: Account;
  readonly #blocked: string | null;
  /** The look after which it may go on, at the earliest. */
  readonly #lookMs: number | null;
  /** Instants of posts, forecast ones included. */
  readonly #posts: number[] = [];
  readonly #already: { readonly count: number; readonly atMs: number };

  constructor(standing: AccountStanding, nowMs: number, lookMs: number | null) {
    this.#lookMs = lookMs;
    this.device = standing.device ?? standing.policy.device;
    this.#policy = standing.policy;
    this.#account = standing;
    this.#already = { count: standing.postedToday, atMs: nowMs };
    this.#blocked = blockedWhy(standing, lookMs);
  }

  look(fromMs: number): Slot {
    if (this.#blocked !== null) return { atMs: null, why: this.#blocked };
    let atMs = Math.max(fromMs, this.#lookMs ?? fromMs);
    let why: string | null = atMs > fromMs ? 'look' : null;
    // Each step passes one cap, window or gap; a year of full days is far beyond any queue worth forecasting.
    for (let step = 0; step < 400; step += 1) {
      const answer = eligibility({ account: this.#account, ...this.#posted(atMs), busy: null, now: atMs });
      if (answer.eligible) return { atMs, why };
      if (answer.retryAtMs === null) return { atMs: null, why: answer.reason };
      why = answer.reason;
      atMs = Math.max(answer.retryAtMs, atMs + 1);
    }
    return { atMs: null, why };
  }

  take(fromMs: number): Slot {
    const slot = this.look(fromMs);
    if (slot.atMs !== null) {
      this.#posts.push(slot.atMs);
      this.#account = { ...this.#account, lastCommitMs: slot.atMs, gapJitterMs: Math.round(this.#policy.jitterMs / 2) };
    }
    return slot;
  }

  #posted(atMs: number): { readonly postedToday: number; readonly postedIn24h: number } {
    const zone = this.#policy.timezone;
    const already = sameDay(zone, this.#already.atMs, atMs) ? this.#already.count : 0;
    const postedToday = already + this.#posts.filter((post) => sameDay(zone, post, atMs)).length;
    const postedIn24h = already + this.#posts.filter((post) => post > atMs - 86_400_000).length;
    return { postedToday, postedIn24h };
  }
}

function blockedWhy(standing: AccountStanding, lookMs: number | null): string | null {
  if (standing.state !== 'active') return `${standing.state}: ${standing.reason ?? 'no reason given'}`;
  if (standing.trouble !== null) return standing.trouble;
  return standing.waitReason === 'uncertain' && lookMs === null ? 'its uncertain post must be settled first' : null;
}

function sameDay(zone: string, a: number, b: number): boolean {
  return localDay(zone, a).day === localDay(zone, b).day;
}

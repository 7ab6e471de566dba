/**
 * The ancestor's policy in the same world, for comparison: its rules as its own
 * files state them. Every failure but the platform's no is retried after a
 * fixed pause, up to three attempts, also the one after Share ("Post returned
 * False"); three machine failures in a row cool the account, whoever's they
 * were; at most ten workers.
 */
import { FastClock } from './fast-clock.ts';
import { type Bursts, type Faults, Rack } from './rack.ts';

export interface AncestorRequest {
  readonly jobs: readonly { readonly id: string; readonly account: string; readonly device: string; readonly sha256: string }[];
  readonly phones: readonly string[];
  readonly workers: number;
  readonly startMs: number;
  readonly seed: number;
  readonly faults: Faults;
  readonly bursts: Bursts;
}

const RETRY_MS = 300_000;
const ATTEMPTS = 3;
const DELAY_MS = 10_000;
const IDLE_MS = 10_000;

interface State {
  status: 'pending' | 'retrying' | 'claimed' | 'over';
  attempts: number;
  dueMs: number;
}

export async function ancestorsDay(request: AncestorRequest): Promise<Rack> {
  const { jobs, phones, workers, startMs, seed, faults, bursts } = request;
  const clock = new FastClock(startMs);
  const rack = new Rack(clock, seed, faults);
  const states = new Map(jobs.map(({ id }): [string, State] => [id, { status: 'pending', attempts: 0, dueMs: 0 }]));
  const inRow = new Map<string, number>();
  const coolUntil = new Map<string, number>();
  const busy = new Set<string>();
  const stopped = new Set<string>();
  const stop = new AbortController();
  const stateOf = (id: string) => states.get(id) as State;

  const next = () =>
    jobs.find(({ id, account, device }) => {
      const { status, dueMs } = stateOf(id);
      if ((status !== 'pending' && status !== 'retrying') || dueMs > clock.now() || stopped.has(account)) return false;
      return !busy.has(account) && !busy.has(device) && (coolUntil.get(account) ?? 0) <= clock.now();
    });
  const open = () => jobs.some(({ id, account }) => stateOf(id).status !== 'over' && !stopped.has(account));

  const work = async () => {
    while (open()) {
      const job = next();
      if (job === undefined) {
        await clock.sleep(IDLE_MS, 'idle');
        continue;
      }
      const state = stateOf(job.id);
      Object.assign(state, { status: 'claimed', attempts: state.attempts + 1 });
      busy.add(job.account).add(job.device);
      const ctx = { signal: stop.signal, phase: () => {}, commit: async () => {} };
      const asked = {
        ...job,
        video: { path: '', sha256: job.sha256 },
        caption: '',
        post_key: '',
        attempt: state.attempts,
        max_attempts: ATTEMPTS,
        app: 'demo',
      };
      try {
        await rack.publish(asked, ctx);
        state.status = 'over';
        inRow.set(job.account, 0);
      } catch (error) {
        const category = (error as { category?: string }).category;
        if (category === 'account') stopped.add(job.account);
        const failures = (inRow.get(job.account) ?? 0) + 1;
        inRow.set(job.account, failures);
        if (failures >= 3) coolUntil.set(job.account, clock.now() + Math.min(600_000 * failures, 3_600_000));
        const again = category === undefined && state.attempts < ATTEMPTS;
        Object.assign(state, again ? { status: 'retrying', dueMs: clock.now() + RETRY_MS } : { status: 'over' });
      }
      await clock.sleep(DELAY_MS, 'delay between posts');
      busy.delete(job.account);
      busy.delete(job.device);
    }
  };
  const day = async () => {
    await Promise.all(Array.from({ length: workers }, work));
    stop.abort();
  };
  await clock.run(Promise.all([day(), rack.burst(phones, bursts, stop.signal)]), 30 * 24 * 3_600_000);
  return rack;
}

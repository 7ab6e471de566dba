/**
 * A store that keeps the contract, as the processes of a simulated world use it:
 * every call is a gate, and every write is checked by an observer that keeps
 * its own books. A backup takes the books along.
 */
import { ACCOUNT_BUSY, DEVICE_BUSY, type Job } from '../../src/domain/job.ts';
import type { JobChange, Store } from '../../src/stores/store.ts';
import { lifeOf, WRITES_OF_A_LIFE } from '../stores/memory-life.ts';
import type { MemoryStore } from '../stores/memory-store.ts';
import type { SimProcess } from './sim-process.ts';

const METHODS = [
  ...['counts', 'accounts', 'jobs', 'events', 'value', 'close', 'raiseEpoch', 'putAccounts', 'account', 'changeAccount', 'addJobs'],
  ...['undoAdd', 'importJobs', 'job', 'claim', 'renew', 'enterPhase', 'change', 'checkCommit', 'nextWake', 'orphans', 'recordEvent'],
  ...['setValue', 'recordResource', 'forgetResource', 'resources', 'maintain'],
] as const;

/** Writes for which a claim, or an epoch, must be the current one. */
const FENCED = ['claim', 'renew', 'enterPhase', 'change', ...WRITES_OF_A_LIFE];

interface Book {
  readonly status: string;
  /** Claims minus refunds, as counted here. */
  readonly attempts: number;
  readonly token: string | null;
}

export interface Observer {
  report(kind: string, text: string): void;
  /** A job's commit point was written. */
  committed(jobId: string, atWallMs: number): void;
}

export class ObservedStore {
  readonly raw: MemoryStore;
  readonly #observer: Observer;
  readonly #books: Map<string, Book>;
  readonly #epochs = new Map<SimProcess, number>();
  #epoch: number;

  constructor(raw: MemoryStore, observer: Observer, books: ReadonlyMap<string, Book> = new Map(), epoch = 0) {
    this.raw = raw;
    this.#observer = observer;
    this.#books = new Map(books);
    this.#epoch = epoch;
  }

  backup(): ObservedStore {
    return new ObservedStore(this.raw.copy(), this.#observer, this.#books, this.#epoch);
  }

  /** Every job that was ever accepted and not taken back is still there. */
  async assertNothingLost(): Promise<void> {
    const here = new Set((await this.raw.jobs({})).map(({ id }) => id));
    for (const id of this.#books.keys()) if (!here.has(id)) this.#observer.report('lost', `job ${id} is gone`);
  }

  /** The store as `process` sees it. */
  face(process: SimProcess): Store {
    const raw = lifeOf(this.raw) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const face: Record<string, unknown> = {};
    for (const name of METHODS) {
      face[name] = (...args: unknown[]) =>
        process.pass(gateOf(name, args), async () => {
          const newest = this.#epoch;
          const result = await raw[name]?.(...args);
          await this.#observe(process, { name, args, result, newest });
          return result;
        });
    }
    return face as unknown as Store;
  }

  async #observe(process: SimProcess, call: { name: string; args: readonly unknown[]; result: unknown; newest: number }): Promise<void> {
    const { name, args, result, newest } = call;
    if (name === 'raiseEpoch') {
      this.#epoch = result as number;
      this.#epochs.set(process, this.#epoch);
    }
    const own = this.#epochs.get(process) ?? newest;
    if (FENCED.includes(name) && own < newest && result !== null && result !== false) {
      this.#observer.report('overtaken', `${process.name} of epoch ${own} did ${name} after epoch ${newest} had begun`);
    }
    if (name === 'addJobs')
      for (const id of (result as { added: string[] }).added) this.#books.set(id, { status: 'pending', attempts: 0, token: null });
    if (name === 'undoAdd') for (const id of result as string[]) this.#books.delete(id);
    if (name === 'claim' && result !== null) await this.#claimed(result as Job);
    if (name === 'change') this.#changed(result as Job, args[1] as JobChange);
  }

  async #claimed(job: Job): Promise<void> {
    this.#enter(job, (this.#books.get(job.id)?.attempts ?? job.attempts - 1) + 1);
    for (const other of await this.raw.jobs({ statuses: ACCOUNT_BUSY })) {
      if (other.id === job.id) continue;
      if (other.account === job.account) this.#observer.report('crowd', `${job.id} and ${other.id} are both busy on ${job.account}`);
      const samePhone = job.device !== null && other.device === job.device && DEVICE_BUSY.includes(other.status);
      if (samePhone) this.#observer.report('crowd', `${job.id} and ${other.id} both use ${job.device}`);
    }
  }

  #changed(job: Job, { event, claim }: JobChange): void {
    const book = this.#books.get(job.id) ?? { status: job.status, attempts: job.attempts, token: null };
    if (claim !== null && book.token !== claim.token)
      this.#observer.report('overtaken', `${job.id}: ${event.type} by a claim that was lost`);
    const refund = event.type === 'defer' || (event.type === 'holder_died' && book.status === 'claimed');
    this.#enter(job, book.attempts - (refund ? 1 : 0));
    if (event.type === 'commit') this.#observer.committed(job.id, job.committedMs ?? 0);
  }

  #enter(job: Job, attempts: number): void {
    this.#books.set(job.id, { status: job.status, attempts, token: job.claimToken });
    if (job.attempts !== attempts)
      this.#observer.report('attempts', `${job.id} says ${job.attempts} attempts; claims minus refunds are ${attempts}`);
  }
}

/** The writes around the commit point have gates of their own: that is where the weather is worst. */
function gateOf(name: string, args: readonly unknown[]): string {
  return name === 'change' ? `store.change.${(args[1] as JobChange).event.type}` : `store.${name}`;
}

/**
 * A home of a simulated world, as it lies on disk: database, backups,
 * posted.jsonl and the lock. It outlives every process; what is appended to
 * posted.jsonl is there when the call has resolved, and may be torn when not.
 */
import { POST_COUNTS } from '../../src/domain/job.ts';
import { SchedulerError } from '../../src/errors.ts';
import type { LockContent } from '../../src/runtime/lock-file.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { ledgerLine, missingPosts, readLedger, type Sequel } from '../../src/stores/posted-lines.ts';
import type { PostedEntry, PostedLedger, PostedRecord, Store } from '../../src/stores/store.ts';
import type { ObservedStore } from './observed-store.ts';
import type { SimProcess } from './sim-process.ts';

export class Home {
  store: ObservedStore;
  backup: ObservedStore | null = null;
  posted = '';
  /** The kernel lock: given back by the kernel when its holder dies. */
  holder: SimProcess | null = null;
  /** What scheduler.lock shows. The heartbeat is read on the machine's own clock, as in lock-file.ts: wall time can be set. */
  lockFile: { readonly process: SimProcess; readonly heartbeatMs: number } | null = null;
  /** Those whose lock was taken while they lived on; until a life has written them down. */
  doubted: LockContent[] = [];
  bootId = 'boot-1';

  constructor(store: ObservedStore) {
    this.store = store;
  }

  /** A new life takes the home, as compose.ts does it. The lock is this process's already. */
  async begin(process: SimProcess) {
    const store = this.store.face(process);
    const epoch = await store.raiseEpoch('home');
    // As setEpoch of instance-lock.ts.
    if (this.holder !== process) throw new SchedulerError('LOCK_LOST');
    // Whoever is frozen elsewhere can be seen by nobody here.
    const doubted = await new DoubtedHolders({ store, isDead: async () => false }).add(this.doubted, epoch);
    this.doubted = [];
    return { store, epoch, doubted };
  }

  /** posted.jsonl as `process` writes it. */
  ledger(process: SimProcess): PostedLedger {
    const write = (gate: string, record: PostedRecord, then?: Sequel) =>
      process.pass(`ledger.${gate}`, () => this.#append(ledgerLine(record, then)));
    return {
      append: (record) => write('append', record),
      withdraw: (record) => write('withdraw', record, 'withdrawn'),
      confirm: (record) => write('confirm', record, 'confirmed'),
    };
  }

  /** What posted.jsonl knows of and the store does not. */
  missing(process: SimProcess, store: Store): Promise<readonly PostedEntry[]> {
    return process.pass('ledger.read', async () =>
      missingPosts(readLedger(this.posted).entries, await store.jobs({ statuses: POST_COUNTS }), store),
    );
  }

  /** The power went away in the middle of a line. */
  tear(): void {
    this.#append('{"account":"a');
    this.posted = this.posted.trimEnd();
  }

  /** After a torn line a new one begins, as posted-ledger.ts does it. */
  #append(line: string): void {
    this.posted += this.posted === '' || this.posted.endsWith('\n') ? line : `\n${line}`;
  }
}

/**
 * What a person can order, as data.
 *
 * The same command is carried out by the running daemon (it came through the
 * control socket) or by the command line itself when no daemon runs and it took
 * the lock. Carried out by `desk.ts`.
 */
import type { JobEdit, JobStatus, Verdict } from '../domain/job.ts';
import type { NewBatch, NewJob, StoreReader } from '../stores/store.ts';

export type Command =
  | { readonly do: 'add_accounts'; readonly names: readonly string[] }
  | { readonly do: 'add_jobs'; readonly batch: NewBatch; readonly jobs: readonly NewJob[] }
  | { readonly do: 'undo_add'; readonly batch: string }
  | { readonly do: 'undo_account'; readonly account: string }
  /** One account, one phone, or neither: all of it. */
  | { readonly do: 'pause' | 'resume'; readonly account?: string; readonly device?: string }
  /** Reads scheduler.yaml again. */
  | { readonly do: 'reload' }
  | { readonly do: 'edit'; readonly job: string; readonly edit: JobEdit }
  /** `all`: when no daemon runs, what a dead one left behind is ended. */
  | { readonly do: 'stop'; readonly all?: true }
  /** What an earlier life of this home left running, or on its ports, is ended; nothing that is not provably ours. */
  | { readonly do: 'end_leftovers' }
  /** A job's id, or `all` failed ones; `retryable`: not those that the platform refused, nor broken videos. */
  | { readonly do: 'retry'; readonly job: string; readonly only?: 'retryable' }
  | { readonly do: 'skip'; readonly job: string; readonly reason: string }
  | { readonly do: 'settle'; readonly job: string; readonly verdict: Verdict }
  /** A person vouches that a holder that was replaced unseen has ended. `PID@HOST` */
  | { readonly do: 'holder_gone'; readonly holder: string }
  | { readonly do: 'release'; readonly account: string };

/** A video that was not queued because the home knows its bytes, and the job that has them. */
export interface KnownVideo {
  readonly id: string;
  readonly knownAs: string;
  readonly status: JobStatus;
  readonly account: string | null;
}

/** What became of it: `text` is one sentence for a person; `data` is for the program that asked. */
export type Reply =
  | { readonly ok: true; readonly text: string; readonly data?: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: string; readonly text: string; readonly next: string; readonly usage: boolean };

/** Carries out one command; never throws. */
export type CommandHandler = (command: Command) => Promise<Reply>;

/** Where orders go: to the running daemon, or to the store under a lock of our own. */
export type { StoreReader };

export interface Office {
  readonly handle: CommandHandler;
  /** Looks at the store without changing it. */
  readonly reader: StoreReader;
  /** Imports whole states; null while a daemon holds the home: then it must be stopped first. */
  readonly files: StateMover | null;
  /** Writes the state as `.json`, the jobs as `.csv`; also beside a running daemon. @param path absolute */
  readonly write: (path: string) => Promise<void>;
}

/** Brings state files in; answers lines for a person. */
export interface StateMover {
  importFile(request: {
    readonly file: string;
    readonly timezone: string | null;
    readonly map: readonly { readonly from: string; readonly to: string }[];
  }): Promise<readonly string[]>;
}

/**
 * What a person can order, as data.
 *
 * The same command is carried out by the running daemon (it came through the
 * control socket) or by the command line itself when no daemon runs and it took
 * the lock. Carried out by `desk.ts`.
 */
import type { Verdict } from '../domain/job.ts';
import type { AddReport, NewBatch, NewJob, StoreReader } from '../stores/store.ts';

export type Command =
  | { readonly do: 'add_accounts'; readonly names: readonly string[] }
  | { readonly do: 'add_jobs'; readonly batch: NewBatch; readonly jobs: readonly NewJob[] }
  | { readonly do: 'undo_add'; readonly batch: string }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  | { readonly do: 'stop' }
  | { readonly do: 'retry'; readonly job: string } // a job's id, or `all`
  | { readonly do: 'skip'; readonly job: string; readonly reason: string }
  | { readonly do: 'settle'; readonly job: string; readonly verdict: Verdict }
  | { readonly do: 'release'; readonly account: string };

/** What became of it: `text` is one sentence for a person; `data` is for the program that asked. */
export type Reply =
  | { readonly ok: true; readonly text: string; readonly data?: AddReport | Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: string; readonly text: string; readonly next: string; readonly usage: boolean };

/** Carries out one command; never throws. */
export type CommandHandler = (command: Command) => Promise<Reply>;

/** Where orders go: to the running daemon, or to the store under a lock of our own. */
export type { StoreReader };

export interface Office {
  readonly handle: CommandHandler;
  /** Looks at the store without changing it. */
  readonly reader: StoreReader;
  /** Imports and exports whole states; null while a daemon holds the home: then it must be stopped first. */
  readonly files: StateMover | null;
}

/** Brings state files in and out; answers lines for a person. */
export interface StateMover {
  importFile(request: {
    readonly file: string;
    readonly timezone: string | null;
    readonly map: readonly { readonly from: string; readonly to: string }[];
  }): Promise<readonly string[]>;
  write(path: string): Promise<void>;
}

/**
 * The command line as data: argv in, Options out, nothing done and nothing
 * exited. What the flags do, and in which order, is main's and the other files'
 * of this folder.
 */
import type { Command } from '../scheduler/commands.ts';

/** Orders to an existing queue, in the order in which they were written. */
export type ActCommand = Extract<
  Command,
  { readonly do: 'pause' | 'resume' | 'stop' | 'retry' | 'skip' | 'settle' | 'release' | 'undo_add' }
>;

export interface AddOptions {
  readonly folders: readonly string[];
  readonly accounts: readonly string[];
  /** `--account`: every video of this command belongs to it. */
  readonly boundTo: string | null;
  /** `--at`: ISO time, or local time in the account's zone; raw text. */
  readonly at: string | null;
  /** `--again`: the ordered repeat of videos that are known already. */
  readonly again: boolean;
  readonly maxAttempts: number | null;
}

export interface ImportOptions {
  /** Files to import: `--import` and `--state-file`. */
  readonly files: readonly string[];
  /** `--timezone` for times without an offset; null = that of the config. */
  readonly timezone: string | null;
  /** `--map FROM=TO`. */
  readonly map: readonly { readonly from: string; readonly to: string }[];
}

/** Flags combine and run in the order of these fields: add, import, act, run, status. */
export interface Options {
  readonly home: string | null;
  readonly config: string | null;
  readonly add: AddOptions;
  readonly import: ImportOptions;
  readonly act: readonly ActCommand[];
  readonly exportFile: string | null;
  /** null = do not run. `--seed-only` leaves it null. */
  readonly run: 'daemon' | 'drain' | null;
  /** `--accounts`: limits this run; null = all. */
  readonly onlyAccounts: readonly string[] | null;
  /** What to show at the end; null = nothing. */
  readonly show: 'status' | 'plan' | null;
  readonly json: boolean;
  readonly watch: boolean;
  /** For loadConfig; the keys are those of ConfigOverrides. */
  readonly overrides: {
    readonly store?: string;
    readonly workers?: number;
    readonly maxPasses?: number;
    readonly retryDelayMs?: number;
    readonly infraRetryLimit?: number;
  };
  /** The rest of the line goes to scheduler-phone as it is; null = not asked for. */
  readonly simulatePhone: readonly string[] | null;
  /** Text to print instead of doing anything (`--help`, `--version`); null = go on. */
  readonly print: string | null;
}

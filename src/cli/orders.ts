/** What a command line orders of an existing queue or a running scheduler, as commands. Who carries them out is not known here. */
import type { Verdict } from '../domain/job.ts';
import type { Command } from '../scheduler/commands.ts';
import { pausable } from './flag-values.ts';

/** Orders to an existing queue, in the order in which they were written. */
export type ActCommand = Extract<
  Command,
  {
    readonly do:
      | 'pause'
      | 'resume'
      | 'reload'
      | 'stop'
      | 'retry'
      | 'skip'
      | 'settle'
      | 'holder_gone'
      | 'release'
      | 'undo_add'
      | 'undo_account'
      | 'end_leftovers';
  }
>;

export interface EditOptions {
  readonly jobs: readonly string[];
  readonly caption: string | null;
  /** As in AddOptions. */
  readonly at: string | null;
  readonly account: string | null;
  readonly priority: number | null;
}

export interface RawOrders {
  readonly pause?: true | readonly string[];
  readonly resume?: true | readonly string[];
  readonly reload?: true;
  readonly edit?: readonly string[];
  readonly caption?: string;
  readonly priority?: number;
  readonly retry?: readonly string[];
  readonly skip?: readonly string[];
  readonly settle?: readonly string[];
  readonly holderGone?: readonly string[];
  readonly release?: readonly string[];
  readonly stop?: true;
  readonly stopAll?: true;
  readonly retryAllFailed?: true;
  readonly retryIncludeNonRetryable?: true;
  readonly forceKillPorts?: true;
  readonly undoAdd?: readonly string[];
  readonly undoAccounts?: readonly string[];
  readonly addFolder?: readonly string[];
  readonly account?: string;
  readonly at?: string;
}

/** @throws when it is not so */
type Check = (condition: boolean, what: string) => void;

/** `stop` comes last: what is ordered in the same line must still reach the running daemon. */
export function orders(raw: RawOrders, check: Check): ActCommand[] {
  return [
    ...(raw.undoAdd ?? []).map((batch): ActCommand => ({ do: 'undo_add', batch })),
    ...(raw.undoAccounts ?? []).map((account): ActCommand => ({ do: 'undo_account', account })),
    ...(raw.holderGone ?? []).map((holder): ActCommand => ({ do: 'holder_gone', holder })),
    ...settlements(raw.settle ?? [], check),
    ...(raw.release ?? []).map((account): ActCommand => ({ do: 'release', account })),
    ...(raw.retry ?? []).map((job): ActCommand => ({ do: 'retry', job })),
    ...(raw.retryAllFailed
      ? [{ do: 'retry', job: 'all', ...(raw.retryIncludeNonRetryable ? {} : { only: 'retryable' as const }) } as const]
      : []),
    ...(raw.skip ?? []).map((job): ActCommand => ({ do: 'skip', job, reason: 'skipped by a person' })),
    ...pauses('pause', raw.pause),
    ...pauses('resume', raw.resume),
    ...(raw.reload ? [{ do: 'reload' } as const] : []),
    ...(raw.forceKillPorts ? [{ do: 'end_leftovers' } as const] : []),
    ...(raw.stopAll ? [{ do: 'stop', all: true } as const] : raw.stop ? [{ do: 'stop' } as const] : []),
  ];
}

function pauses(order: 'pause' | 'resume', what: true | readonly string[] | undefined): ActCommand[] {
  if (what === undefined) return [];
  return what === true ? [{ do: order }] : what.map((word) => ({ do: order, ...pausable(word) }));
}

/** null = nothing is to be changed. */
export function editOf({ edit, caption, at, account, priority, addFolder }: RawOrders, check: Check): EditOptions | null {
  const changes = [caption, priority, addFolder === undefined ? at : undefined, addFolder === undefined ? account : undefined];
  const isChange = changes.some((value) => value !== undefined);
  check(edit !== undefined || (caption === undefined && priority === undefined), '--caption and --priority belong to --edit');
  if (edit === undefined) return null;
  check(addFolder === undefined, '--edit and --add-folder exclude each other');
  check(isChange, '--edit needs what to change: --caption, --at, --account or --priority');
  return { jobs: edit, caption: caption ?? null, at: at ?? null, account: account ?? null, priority: priority ?? null };
}

function settlements(words: readonly string[], check: Check): ActCommand[] {
  const commands: ActCommand[] = [];
  for (let index = 0; index < words.length; index += 2) {
    const [job, verdict] = [words[index] ?? '', words[index + 1]];
    check(isVerdict(verdict), `--settle ${job} needs a verdict: --settle ${job} published, or --settle ${job} absent`);
    commands.push({ do: 'settle', job, verdict: verdict as Verdict });
  }
  return commands;
}

function isVerdict(word: string | undefined): word is Verdict {
  return word === 'published' || word === 'absent';
}

/** Runs the scheduler for a command line: as a daemon, or through a drain whose result becomes the exit code. */
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import type { StoreReader } from '../scheduler/commands.ts';
import type { PostingScheduler } from '../scheduler/posting-scheduler.ts';
import type { Terminal } from './terminal.ts';

/** A scheduler that is wired but not started. */
export interface Runnable {
  readonly scheduler: PostingScheduler;
  readonly shutdown: Shutdown;
}

export interface RunParts extends Runnable {
  readonly mode: 'daemon' | 'drain';
  readonly reader: StoreReader;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** Exit code of a drain after which something needs a look. */
const NEEDS_A_LOOK = 4;
/** Without an answer to Ctrl-C people press it again, which breaks off a post that nobody is sure of then. */
const STOPPING = 'Stopping: no further post is started; one that is under way may finish (Ctrl-C again breaks it off).\n';

/** @throws SchedulerError NO_ACCOUNTS, NO_JOBS and what the start throws */
export async function run({ mode, scheduler, shutdown, reader, terminal, clock }: RunParts): Promise<number> {
  if ((await reader.accounts(clock.now())).length === 0) throw new SchedulerError('NO_ACCOUNTS');
  const before = await reader.counts();
  if (mode === 'drain' && Object.values(before).every((count) => count === 0)) throw new SchedulerError('NO_JOBS');
  shutdown.onSignals();
  shutdown.signal.addEventListener('abort', () => terminal.write(STOPPING), { once: true });
  try {
    if (mode === 'daemon') {
      await scheduler.run();
      terminal.write('Stopped.\n');
      return 0;
    }
    const result = await scheduler.drain();
    const after = await reader.counts();
    const accounts = await reader.accounts(clock.now());
    const held = accounts.filter((account) => account.state === 'hold').length;
    // Nothing waits for a correction that nobody needs: a troubled account counts while videos wait.
    const troubled = after.pending > 0 ? accounts.filter((account) => account.trouble !== null).length : 0;
    const failed = after.failed - before.failed;
    const left = {
      failed,
      uncertain: after.uncertain,
      retrying: after.retrying,
      [held === 1 ? 'account on hold' : 'accounts on hold']: held,
      [`account${troubled === 1 ? ' that waits for its' : 's that wait for their'} configuration (see --status)`]: troubled,
    };
    const rest = Object.entries(left).filter(([, count]) => count > 0);
    const waiting = after.pending > 0 ? `, ${after.pending} waiting` : '';
    terminal.write(
      `Published ${after.success - before.success}${waiting}${rest.map(([what, count]) => `, ${count} ${what}`).join('')} (${result.final_result}).\n`,
    );
    const isCutShort = shutdown.reason !== null && after.pending > 0;
    return rest.length > 0 || isCutShort ? NEEDS_A_LOOK : 0;
  } finally {
    shutdown.done();
  }
}

/**
 * The predecessor's programs know nothing of our lock, and would post from the
 * same phones: while one of them runs on this machine, nothing is started here.
 */
import { SchedulerError } from '../errors.ts';
import { commandLines } from '../runtime/process-table.ts';

export interface Conflict {
  readonly pid: number;
  readonly command: string;
}

/** Python running one of the scripts itself; an editor, a test or a search for the name is none. */
const FORMER_PROGRAM =
  /^"?\S*?python[\d.]*w?(?:\.exe)?"?(?:\s+-[a-zA-Z]\S*)*\s+"?(?:\S*[\\/])?(?:posting_scheduler|parallel_orchestrator|parallel_worker|scheduler_watchdog)\.py"?(?:\s|$)/i;
/** They only look. */
const LOOKS = /\s--(?:status|list-campaigns|help)\b/;

export function conflictsAmong(processes: readonly Conflict[]): readonly Conflict[] {
  return processes.filter(({ command }) => FORMER_PROGRAM.test(command) && !LOOKS.test(command));
}

/**
 * @param list the machine's processes; where they cannot be told, nothing is refused
 * @throws SchedulerError ORCHESTRATOR_CONFLICT; `details.conflicts` lists them
 */
export async function refuseBesideOthers(list: () => Promise<readonly Conflict[]> = commandLines): Promise<void> {
  const conflicts = conflictsAmong(await list().catch(() => []));
  const [first] = conflicts;
  if (first === undefined) return;
  const others = conflicts.length > 1 ? ` and ${conflicts.length - 1} more` : '';
  throw new SchedulerError('ORCHESTRATOR_CONFLICT', {
    details: { conflicts, pid: first.pid, command: first.command.slice(0, 200), others },
  });
}

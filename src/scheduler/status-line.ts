/** The work in one line, for `systemctl status`: what needs a person first, then what happens, then what waits. */
import type { JobCounts } from '../stores/store.ts';

export interface LineParts {
  readonly counts: JobCounts;
  /** Why nothing is begun; null = nothing keeps it. */
  readonly paused: string | null;
  readonly working: readonly { readonly account: string | null; readonly phase: string }[];
  /** Accounts on hold. */
  readonly held: number;
  /** Uncertain posts that the scheduler looks at again by itself. */
  readonly looks: number;
  /** What is wrong with Appium; null = nothing, or none is needed. */
  readonly appium: string | null;
}

const NAMED = 3;

export function statusLine({ counts, paused, working, held, looks, appium }: LineParts): string {
  const waiting = counts.pending + counts.retrying;
  const people = [
    ...(held > 0 ? [`${held} ${held === 1 ? 'account' : 'accounts'} on hold`] : []),
    ...(counts.uncertain > looks ? [`${counts.uncertain - looks} uncertain`] : []),
  ];
  const parts = [
    ...(people.length > 0 ? [`NEEDS A PERSON: ${people.join(', ')}`] : []),
    doing(paused, working, appium, waiting),
    `${waiting} waiting, ${counts.success} published${counts.failed > 0 ? `, ${counts.failed} failed` : ''}${looks > 0 ? `, ${looks} looked for` : ''}`,
  ];
  return parts.join('; ');
}

function doing(paused: string | null, working: LineParts['working'], appium: string | null, waiting: number): string {
  if (working.length > 0) {
    const named = working.slice(0, NAMED).map(({ account, phase }) => `${account ?? '?'} (${phase})`);
    return `posting for ${named.join(', ')}${working.length > NAMED ? ` and ${working.length - NAMED} more` : ''}`;
  }
  if (paused !== null) return `paused: ${paused}`;
  if (appium !== null) return `Appium is not ready: ${appium.split('\n', 1)[0]}`;
  return waiting > 0 ? 'waits for the next hour at which a post may go out' : 'nothing to do';
}

/** The plan as a page for a person: as wide as the terminal, and whole in a pipe. */
import { formatDuration } from '../domain/duration.ts';
import { parseIsoTime } from '../runtime/clock.ts';
import type { Plan, PlanRow } from '../scheduler/plan.ts';
import { renderTable } from './table.ts';
import { lineWidth, type Terminal } from './terminal.ts';

export function renderPlan(plan: Plan, nowMs: number, terminal: Pick<Terminal, 'isTty' | 'columns'>): string {
  if (plan.rows.length === 0) return 'Nothing is planned: no video waits. Add some: scheduler --add-folder DIR --add-accounts NAMES\n';
  const rows = plan.rows.map((row) => [
    row.account ?? '(first free)',
    row.job,
    when(row, nowMs),
    row.device ?? '',
    row.why === null ? '' : (WORDS[row.why] ?? row.why),
  ]);
  const more = plan.more > 0 ? `… and ${plan.more} more (--plan --json lists as many)\n` : '';
  return `${renderTable(COLUMNS, rows, lineWidth(terminal))}\n${more}`;
}

const COLUMNS = [
  ['account', 16],
  ['video', 30],
  ['when', 14],
  ['phone', 18],
  ['why then', 18],
] as const;

/** What only time ends; everything else is said in words already. */
const WORDS: Readonly<Record<string, string>> = {
  cap: 'daily cap',
  window: 'its hours',
  gap: 'gap after a post',
  cooldown: 'rests (cooldown)',
  look: 'a look whether its last post is public',
};

function when({ at }: PlanRow, nowMs: number): string {
  const ms = at === null ? null : parseIsoTime(at);
  if (ms === null) return 'not by itself';
  return ms <= nowMs ? 'now' : `in ${formatDuration(ms - nowMs)}`;
}

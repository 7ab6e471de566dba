/** The plan as a page for a person, at most 100 columns. */
import Table from 'cli-table3';
import { formatDuration } from '../domain/duration.ts';
import { parseIsoTime } from '../runtime/clock.ts';
import type { Plan, PlanRow } from '../scheduler/plan.ts';

export function renderPlan(plan: Plan, nowMs: number): string {
  if (plan.rows.length === 0) return 'Nothing is planned: no video waits. Add some: scheduler --add-folder DIR --add-accounts NAMES\n';
  const table = new Table({
    head: ['account', 'video', 'when', 'phone', 'why then'],
    colWidths: [16, 30, 14, 18, 18],
    style: { head: [], border: [], compact: true },
    chars: PLAIN,
  });
  for (const row of plan.rows) table.push([row.account ?? '(first free)', row.job, when(row, nowMs), row.device ?? '', row.why ?? '']);
  const more = plan.more > 0 ? `… and ${plan.more} more (--plan --json lists as many)\n` : '';
  return `${table.toString()}\n${more}`;
}

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};

function when({ at }: PlanRow, nowMs: number): string {
  const ms = at === null ? null : parseIsoTime(at);
  if (ms === null) return 'not by itself';
  return ms <= nowMs ? 'now' : `in ${formatDuration(ms - nowMs)}`;
}

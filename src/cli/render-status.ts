/**
 * The status as a page for a person: what needs a human first, and each such
 * line with the command that settles it. On a terminal it fits its width; in a
 * pipe nothing is cut. Times are said relative to now, so that no zone has to be
 * guessed.
 */
import { formatDuration } from '../domain/duration.ts';
import { parseIsoTime } from '../runtime/clock.ts';
import { nextSteps } from '../scheduler/alarm.ts';
import type { AccountView, Status, StatusPage, UncertainView } from '../scheduler/status.ts';
import { VANISHED } from '../scheduler/vanished-store.ts';
import { renderTable } from './table.ts';
import { lineWidth, painter, type Terminal } from './terminal.ts';

/** So many failed tries, and the number of the others. */
const TROUBLED_LISTED = 8;
/** More accounts than this are summed up by state. */
const ACCOUNTS_LISTED = 12;
/** Of what needs a person, so many lines each; the rest is counted. */
const NEEDS_LISTED = 8;
/** Of the videos that an account's hold ended, so many; the rest is counted. */
const VIDEOS_NAMED = 4;

const WORKING_COLUMNS = [
  ['worker', 8],
  ['account', 18],
  ['phone', 20],
  ['video', 28],
  ['phase', 10],
  ['for', 9],
] as const;
const TROUBLED_COLUMNS = [
  ['video', 28],
  ['account', 18],
  ['tries', 7],
  ['again', 14],
  ['why', 28],
] as const;
const ACCOUNT_COLUMNS = [
  ['account', 20],
  ['state', 11],
  ['today', 9],
  ['next post', 14],
  ['why', 40],
] as const;

/** How a line may look: its colours, and how long it may be. */
interface Sheet {
  readonly paint: ReturnType<typeof painter>;
  readonly columns: number;
}

export function renderStatus(page: StatusPage, terminal: Pick<Terminal, 'isTty' | 'columns'>): string {
  const sheet = { paint: painter(terminal), columns: lineWidth(terminal) };
  const { status } = page;
  const sections = [
    headline(page, sheet),
    needs(page, sheet),
    lookedAt(page, sheet),
    working(page, sheet),
    jobLine(status, sheet),
    troubledJobs(page, sheet),
    accounts(page, sheet),
    machines(page, sheet),
    passes(status),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function headline({ status, pauseReason, atMs }: StatusPage, { paint }: Sheet): string {
  const where = `Home ${status.home}`;
  const { lock } = status;
  const beat = ago(lock.last_heartbeat, atMs);
  if (status.running) {
    const doing = status.paused ? paint('yellow', 'PAUSED (--resume goes on)') : paint('green', 'RUNNING');
    return `${doing}  PID ${lock.pid}, started ${ago(lock.started, atMs)}, last heartbeat ${beat}${pauseReason === null ? '' : `\n${pauseReason}`}\n${where}`;
  }
  const since = status.last_alive === null ? '' : ` since ${ago(status.last_alive, atMs)}`;
  const stale =
    lock.state === 'stale'
      ? `  A dead or hung instance (PID ${lock.pid ?? 'unknown'}, last heartbeat ${beat}) left its lock; the next start takes over.`
      : '';
  const paused = status.paused ? '\nPaused: the next start publishes nothing either, until `scheduler --resume` then.' : '';
  return `${paint('yellow', 'NOT RUNNING')}${since}  Nothing is published now; \`scheduler --run\` starts it.${stale === '' ? '' : `\n${stale.trim()}`}${paused}\n${where}`;
}

function needs({ status, troubled, vanished, refused, atMs }: StatusPage, { paint, columns }: Sheet): string {
  const gone = vanished ? [item(`${status.store} is not there: ${VANISHED}`, nextSteps('vanished'), columns)] : [];
  const orItself = status.running ? [] : ['or let the scheduler run: it looks by itself, if its publisher can'];
  const uncertain = status.uncertain
    .filter(({ next_look }) => next_look === null)
    .map((doubt) => item(unsure(doubt, atMs), [...nextSteps('uncertain', { job: doubt.job }), ...orItself], columns));
  const held = status.accounts
    .filter((account) => account.state === 'hold')
    .map(({ name, reason }) => {
      const steps = [...nextSteps('hold', { account: name }), ...withItsVideos(name, refused.get(name) ?? [])];
      return item(`${name}: on hold, ${reason ?? 'no reason given'}`, steps, columns);
    });
  const wrong = troubled.map(({ account, why }) => item(`${account}: ${why}`, nextSteps('setup'), columns));
  const putOff = status.put_off.map(({ job, since, why }) =>
    item(`${job}: put off again and again, first ${ago(since, atMs)}: ${why ?? 'no reason given'}`, nextSteps('put_off', { job }), columns),
  );
  const lines = [...gone, ...uncertain, ...held, ...wrong, ...putOff];
  if (lines.length === 0) return '';
  const total = lines.length + status.put_off_total - putOff.length;
  const more = total > NEEDS_LISTED ? [`  … and ${total - NEEDS_LISTED} more (--status --json lists more of them)`] : [];
  return [paint(['bold', 'red'], `NEEDS A PERSON (${total})`), ...lines.slice(0, NEEDS_LISTED), ...more].join('\n');
}

/** What the platform refused is never retried by itself; who releases the account mostly wants that too. */
function withItsVideos(account: string, jobs: readonly string[]): string[] {
  if (jobs.length === 0) return [];
  const more = jobs.length > VIDEOS_NAMED ? `   … and ${jobs.length - VIDEOS_NAMED} more` : '';
  const videos = jobs.length === 1 ? 'the video that failed by it' : `the ${jobs.length} videos that failed by it`;
  return [`with ${videos}: scheduler --release ${account} --retry ${jobs.slice(0, VIDEOS_NAMED).join(' ')}${more}`];
}

/** Doubts that the scheduler will settle by itself, or look at again. */
function lookedAt({ status, atMs }: StatusPage, { paint, columns }: Sheet): string {
  const doubts = status.uncertain.flatMap((doubt) => (doubt.next_look === null ? [] : [{ ...doubt, next: doubt.next_look }]));
  if (doubts.length === 0) return '';
  const lines = doubts.slice(0, NEEDS_LISTED).map((doubt) => {
    const next = until(doubt.next, atMs);
    const steps = [
      `nobody is needed: the next look is ${next}`,
      `who knows sooner: scheduler --settle ${doubt.job} published (or: absent)`,
    ];
    return item(unsure(doubt, atMs), steps, columns);
  });
  const more = doubts.length > NEEDS_LISTED ? [`  … and ${doubts.length - NEEDS_LISTED} more (--status --json lists all)`] : [];
  return [paint('yellow', `BEING LOOKED AT (${doubts.length})`), ...lines, ...more].join('\n');
}

function unsure({ job, account, since }: UncertainView, atMs: number): string {
  return `${job}: nobody is sure whether ${account ?? 'its account'} published it (${ago(since, atMs)})`;
}

/** The line that says what is wrong may be cut, the commands below it never. */
function item(what: string, commands: readonly string[], columns: number): string {
  return [`  ${cut(what, columns - 2)}`, ...commands.map((command) => `      ${command}`)].join('\n');
}

function working({ working: now, atMs }: StatusPage, { paint, columns }: Sheet): string {
  if (now.length === 0) return '';
  const rows = now.map(({ worker, account, device, job, phase, since }) => [
    worker,
    account ?? '',
    device ?? '',
    job,
    phase,
    age(since, atMs),
  ]);
  return `${paint('bold', 'NOW')}\n${renderTable(WORKING_COLUMNS, rows, columns)}`;
}

function jobLine({ jobs, running }: Status, { paint }: Sheet): string {
  if (jobs.total === 0) return `${paint('bold', 'VIDEOS')}  none; add some: scheduler --add-folder DIR --add-accounts NAMES`;
  const words = [
    ['success', 'published', 'green'],
    ['pending', 'waiting', 'reset'],
    ['claimed', running ? 'being prepared' : 'cut off while prepared', 'cyan'],
    ['committing', running ? 'being published' : 'cut off while published', 'cyan'],
    ['retrying', 'to be retried', 'yellow'],
    ['uncertain', 'uncertain', 'red'],
    ['failed', 'failed', 'red'],
    ['skipped', 'skipped', 'reset'],
  ] as const;
  const parts = words.filter(([status]) => jobs[status] > 0).map(([status, word, colour]) => paint(colour, `${jobs[status]} ${word}`));
  return `${paint('bold', 'VIDEOS')}  ${jobs.total} in all: ${parts.join(', ')}`;
}

/** What was tried and failed: how often, why, and when again. */
function troubledJobs({ status, atMs }: StatusPage, { paint, columns }: Sheet): string {
  const all = status.troubled_jobs;
  if (all.length === 0) return '';
  const shown = all.slice(0, TROUBLED_LISTED);
  const rows = shown.map(({ job, account, status: is, attempts, max_attempts, error_category, error_type, error, next_attempt_at }) => [
    job,
    account ?? '',
    max_attempts === null ? String(attempts) : `${attempts}/${max_attempts}`,
    next_attempt_at !== null ? until(next_attempt_at, atMs) : is === 'failed' ? 'no more' : 'waits',
    error_category === null ? (error ?? '') : `${error_category}${error_type === '' ? '' : `: ${error_type}`}`,
  ]);
  const putOff = all.filter((job) => job.status === 'pending').length;
  const more = status.jobs.retrying + status.jobs.failed + putOff - shown.length;
  const rest = more > 0 ? `\n  … and ${more} more (--export FILE.csv lists all)` : '';
  return `${paint('bold', 'TRIED AND FAILED')}  --events --job JOB tells the story, --retry JOB tries again\n${renderTable(TROUBLED_COLUMNS, rows, columns)}${rest}`;
}

function accounts({ status, atMs }: StatusPage, { paint, columns }: Sheet): string {
  const all = status.accounts;
  if (all.length === 0) return `${paint('bold', 'ACCOUNTS')}  none; add some: scheduler --add-accounts NAMES`;
  const byState = (['hold', 'cooldown', 'paused', 'active'] as const).map(
    (state) => [state, all.filter((account) => account.state === state)] as const,
  );
  const summary = byState
    .filter(([, some]) => some.length > 0)
    .map(([state, some]) => `${some.length} ${state === 'hold' ? 'on hold' : state}`);
  const heading = `${paint('bold', 'ACCOUNTS')}  ${all.length} in all: ${summary.join(', ')}`;
  const listed =
    all.length <= ACCOUNTS_LISTED
      ? byState.flatMap(([, some]) => some)
      : byState
          .slice(0, 2)
          .flatMap(([, some]) => some)
          .slice(0, ACCOUNTS_LISTED);
  if (listed.length === 0) return heading;
  const rows = listed.map((account) => accountRow(account, atMs));
  return `${heading}\n${renderTable(ACCOUNT_COLUMNS, rows, columns)}`;
}

function accountRow(account: AccountView, atMs: number): string[] {
  const next = account.next_at === null ? (account.reason === null ? 'now' : '') : until(account.next_at, atMs);
  return [
    account.name,
    account.state === 'hold' ? 'on hold' : account.state,
    `${account.posted_today}/${account.cap}`,
    next,
    account.reason ?? '',
  ];
}

function machines({ status, atMs }: StatusPage, { paint, columns }: Sheet): string {
  const lines = status.appium.map(({ url, healthy }) => `Appium ${url}: ${healthy ? 'healthy' : paint('red', 'does not answer')}`);
  const states = new Map<string, string[]>();
  for (const device of status.devices) {
    const { id, state } = device as { readonly id?: unknown; readonly state?: unknown };
    states.set(String(state), [...(states.get(String(state)) ?? []), String(id)]);
  }
  for (const { kind, name, until: end, why } of status.resting) {
    const what = kind === 'flow' ? 'App' : kind === 'server' ? 'Server' : 'Phone';
    const again = end === null ? '' : `, tried again ${until(end, atMs)}`;
    lines.push(cut(`${what} ${name} rests${again} (--resume: at once): ${why}`, columns).replace(' rests', ` ${paint('red', 'rests')}`));
  }
  const phones = [...states].map(
    ([state, ids]) => `${ids.length} ${state}${state === 'ready' ? '' : ` (${cut(ids.join(', '), columns / 2)})`}`,
  );
  if (phones.length > 0) lines.push(`Phones: ${phones.join(', ')}`);
  const paused = status.paused_devices.map((name) => `Phone ${name} is ${paint('yellow', 'PAUSED')} (--resume phone:${name} goes on)`);
  lines.push(...paused.map((line) => cut(line, columns)));
  return lines.join('\n');
}

function passes(status: Status): string {
  if (status.pass_count === 0) return '';
  const result = status.final_result === null ? '' : `, result ${status.final_result}`;
  return `Last drain: ${status.pass_count} pass${status.pass_count === 1 ? '' : 'es'}${result}`;
}

function cut(text: string, columns: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, Math.floor(columns) - 1))}…`;
}

function age(iso: string | null, atMs: number): string {
  const ms = iso === null ? null : parseIsoTime(iso);
  return ms === null ? '' : formatDuration(Math.max(1_000, atMs - ms));
}

function ago(iso: string | null, atMs: number): string {
  const text = age(iso, atMs);
  return text === '' ? 'at an unknown time' : `${text} ago`;
}

function until(iso: string, atMs: number): string {
  const ms = parseIsoTime(iso);
  if (ms === null) return '';
  return ms <= atMs ? 'now' : `in ${formatDuration(ms - atMs)}`;
}

/**
 * Live lines for `--run` on a terminal: who posts what on which phone, each
 * phase, how it ended and how long it took. One line an event, so that it reads
 * the same in a terminal, in a pipe and in a file.
 */
import { formatDuration } from '../domain/duration.ts';
import type { Phase } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import type { AttemptStart, AttemptWatcher } from '../scheduler/watcher.ts';
import { painter, type Style, type Terminal } from './terminal.ts';

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  prepare: 'makes the phone ready',
  push: 'sends the video to the phone',
  open: 'opens the app',
  identify: 'checks who is signed in',
  compose: 'picks the video and writes the caption',
  commit: 'publishes',
  confirm: 'waits for proof that it is public',
  cleanup: 'cleans up',
};

export class LiveLines implements AttemptWatcher {
  readonly #terminal: Terminal;
  readonly #paint: ReturnType<typeof painter>;
  readonly #total: () => number;
  readonly #running = new Map<string, AttemptStart>();
  #beganMs: number | null = null;
  #settled = 0;

  /** @param total how many videos this run is about, as far as known now; 0 = not known */
  constructor(terminal: Terminal, total: () => number) {
    this.#terminal = terminal;
    this.#paint = painter(terminal);
    this.#total = total;
  }

  started(attempt: AttemptStart): void {
    const { job, atMs, worker } = attempt;
    this.#beganMs ??= atMs;
    this.#running.set(worker, attempt);
    const on = job.device === null ? '' : ` on ${job.device}`;
    const attemptText = job.attempts > 1 ? `, attempt ${job.attempts} of ${attempt.maxAttempts}` : '';
    this.#line(atMs, worker, `${this.#paint('bold', job.account ?? '?')}${on} posts ${job.id}${attemptText}`);
  }

  phase(worker: string, _jobId: string, phase: Phase, atMs: number): void {
    // `prepare` comes with the start itself and would say nothing new.
    if (phase !== 'prepare') this.#line(atMs, worker, this.#paint('dim', `  ${PHASE_WORDS[phase]}`));
  }

  ended(worker: string, job: Job, atMs: number): void {
    const attempt = this.#running.get(worker);
    this.#running.delete(worker);
    const { text, style, final } = endOf(job, atMs);
    if (final) this.#settled += 1;
    const took = attempt === undefined ? '' : ` after ${formatDuration(atMs - attempt.atMs)}`;
    const total = this.#total();
    const progress = total > 0 ? `  [${Math.min(this.#settled, total)} of ${total}]` : '';
    this.#line(atMs, worker, `${this.#paint(style, text)}${took}${progress}`);
  }

  #line(atMs: number, worker: string, text: string): void {
    const elapsed = formatDuration(Math.max(0, atMs - (this.#beganMs ?? atMs))).padStart(7);
    this.#terminal.write(`${elapsed}  ${worker.padEnd(9)} ${text}\n`);
  }
}

function endOf(job: Job, atMs: number): { readonly text: string; readonly style: Style; readonly final: boolean } {
  const why = job.failure?.message.split('\n', 1)[0] ?? job.note ?? 'no reason given';
  switch (job.status) {
    case 'success':
      return { text: `PUBLISHED ${job.id} by ${job.account}`, style: 'green', final: true };
    case 'uncertain':
      return { text: `UNCERTAIN ${job.id}: ${why}`, style: 'red', final: true };
    case 'failed':
      return { text: `FAILED ${job.id}: ${why}`, style: 'red', final: true };
    case 'skipped':
      return { text: `SKIPPED ${job.id}: ${job.note ?? why}`, style: 'yellow', final: true };
    case 'retrying':
      return { text: `will retry ${job.id} in ${formatDuration(Math.max(0, job.dueMs - atMs))}: ${why}`, style: 'yellow', final: false };
    default:
      return { text: `put back ${job.id}: ${job.note ?? why}`, style: 'yellow', final: false };
  }
}

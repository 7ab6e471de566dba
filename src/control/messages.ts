/**
 * What goes over the control socket: one line of JSON there, one back.
 *
 *   {"v":1,"id":"…","command":{"do":"pause"}}      {"v":1,"id":"…","reply":{"ok":true,"text":"Paused: …"}}
 *
 * Both ends are this program, perhaps of different versions; `v` rises when one
 * would misunderstand the other.
 */
import { DEFAULT_RETRY, policyFor, type RetryInput } from '../domain/retry.ts';
import type { Command, Reply } from '../scheduler/commands.ts';

const VERSION = 1;

/** A batch of 500 long captions is below 5 MB; more is a mistake or an attack. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export type Request =
  | { readonly ok: true; readonly id: string; readonly command: Command }
  | { readonly ok: false; readonly id: string; readonly problem: string };

export function requestLine(id: string, command: Command): string {
  return `${JSON.stringify({ v: VERSION, id, command })}\n`;
}

export function replyLine(id: string, reply: Reply): string {
  return `${JSON.stringify({ v: VERSION, id, reply })}\n`;
}

export function readRequest(line: string): Request {
  const message = parseObject(line);
  const id = typeof message?.id === 'string' ? message.id : '';
  if (message === null) return { ok: false, id, problem: 'the message is not JSON' };
  if (message.v !== VERSION) return { ok: false, id, problem: `it speaks version ${VERSION}, the command version ${String(message.v)}` };
  const command = message.command;
  return isCommand(command) ? { ok: true, id, command } : { ok: false, id, problem: 'it does not know this order' };
}

/** null when it is not the answer to `id`. */
export function readReply(line: string, id: string): Reply | null {
  const message = parseObject(line);
  if (message === null || message.v !== VERSION || message.id !== id) return null;
  const reply = message.reply;
  return isObject(reply) && typeof reply.ok === 'boolean' && typeof reply.text === 'string' ? (reply as unknown as Reply) : null;
}

type Check = (command: Readonly<Record<string, unknown>>) => boolean;
const nothing: Check = () => true;
const text =
  (...keys: readonly string[]): Check =>
  (command) =>
    keys.every((key) => typeof command[key] === 'string');

const pausable: Check = ({ account = '', device = '' }) => typeof account === 'string' && typeof device === 'string';

/** Exactly the orders of commands.ts: the compiler asks for a new one here. */
const CHECKS: Readonly<Record<Command['do'], Check>> = {
  add_accounts: ({ names }) => Array.isArray(names) && names.every((name) => typeof name === 'string'),
  add_jobs: ({ batch, jobs }) => isObject(batch) && text('id', 'source')(batch) && Array.isArray(jobs) && jobs.every(isJob),
  undo_add: text('batch'),
  undo_account: text('account'),
  pause: pausable,
  resume: pausable,
  reload: nothing,
  edit: (command) => text('job')(command) && isEdit(command.edit),
  stop: nothing,
  end_leftovers: nothing,
  retry: text('job'),
  skip: text('job', 'reason'),
  settle: (command) => text('job')(command) && (command.verdict === 'published' || command.verdict === 'absent'),
  holder_gone: text('holder'),
  release: text('account'),
};

function isCommand(value: unknown): value is Command {
  if (!isObject(value) || typeof value.do !== 'string' || !Object.hasOwn(CHECKS, value.do)) return false;
  return CHECKS[value.do as Command['do']](value);
}

function isEdit(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { caption = '', account = '', priority = 0, publishAtMs = null } = value;
  const isTime = publishAtMs === null || typeof publishAtMs === 'number';
  return typeof caption === 'string' && typeof account === 'string' && Number.isInteger(priority) && isTime;
}

function isJob(value: unknown): boolean {
  return isObject(value) && text('id', 'videoPath', 'caption')(value) && typeof value.repeat === 'number' && isRetry(value.retry);
}

/** One that cannot be read would end every snapshot of the queue from then on. A condition that cannot be asked does not hold, and ends nothing. */
function isRetry(value: unknown = null): boolean {
  if (value !== null && typeof value !== 'boolean' && typeof value !== 'number' && !isObject(value)) return false;
  try {
    policyFor({ retry: value as RetryInput | null }, DEFAULT_RETRY);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Collects bytes into one line; multi-byte characters may be cut between two chunks. */
export class LineBuffer {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** The first whole line, without its end; null = not yet. @throws RangeError when it grows beyond the limit */
  push(chunk: Buffer): string | null {
    const end = chunk.indexOf(0x0a);
    this.#chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_MESSAGE_BYTES) throw new RangeError(`a message of more than ${MAX_MESSAGE_BYTES} bytes`);
    return end < 0 ? null : Buffer.concat(this.#chunks).toString('utf8');
  }
}

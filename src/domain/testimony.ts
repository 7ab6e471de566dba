/**
 * What a thrown value says about itself, as plain and bounded values.
 *
 * Whatever is thrown can be heard: no getter, proxy or circle makes this throw,
 * and of a text of any length only the beginning and the end are looked at.
 * Keys of unknown objects are never listed: of a million that takes a second.
 * It must not know what any of it means; that is `classify.ts`.
 */
import { type ErrorCode, SchedulerError } from '../errors.ts';

export interface Testimony {
  /** Beginning and end of the message; well-formed, without NUL: every store takes it. */
  readonly text: string;
  /** The class, or the W3C word; '' when there is none. So are the other words that are missing. */
  readonly name: string;
  readonly code: string;
  /** The publisher's own word, when it gives one. */
  readonly category: string;
  readonly type: string;
  readonly proofOfAbsence: boolean;
  /** The step of the flow that did not come about. */
  readonly step: string;
  /** undefined = there is none. */
  readonly cause: unknown;
  /** One of our own errors, with the foreign error that its details carry. */
  readonly ours: { readonly code: ErrorCode; readonly category: SchedulerError['category']; readonly carried: Testimony } | null;
}

/** Characters of a text that are looked at. A page of Appium's stack trace is 3,000, the sentence that matters stands before it. */
const BEGINNING = 8_000;
const END = 2_000;
const WORD = 64;
/** Where programs put the sentence; the first that is a text counts. */
const MESSAGES = ['message', 'msg', 'reason', 'error', 'description'] as const;

export function testimonyOf(thrown: unknown): Testimony {
  const error = ourError(thrown);
  const name = wordOf(thrown, 'name');
  return {
    ...hintsOf(error === null ? thrown : error.details),
    text: textOf(thrown, name),
    name,
    code: wordOf(thrown, 'code'),
    proofOfAbsence: read(thrown, 'proofOfAbsence') === true,
    cause: read(thrown, 'cause') ?? undefined,
    ours: error === null ? null : { code: error.code, category: error.category, carried: carriedBy(error.details) },
  };
}

/** Its beginning and its end, with a word about what lies between. */
export function excerpt(text: string): string {
  const left = text.length - BEGINNING - END;
  const kept = left <= 0 ? text : `${text.slice(0, BEGINNING)}\n[... ${left} characters left out ...]\n${text.slice(-END)}`;
  return kept.toWellFormed().replaceAll('\0', '\uFFFD');
}

function carriedBy(details: object): Testimony {
  const text = read(details, 'text');
  return {
    ...hintsOf(details),
    text: typeof text === 'string' ? excerpt(text) : '',
    name: wordOf(details, 'name'),
    code: wordOf(details, 'code'),
    proofOfAbsence: false,
    cause: undefined,
    ours: null,
  };
}

function hintsOf(from: unknown): Pick<Testimony, 'category' | 'type' | 'step'> {
  return { category: wordOf(from, 'category'), type: wordOf(from, 'type'), step: wordOf(from, 'step') };
}

function textOf(thrown: unknown, name: string): string {
  const message = MESSAGES.map((field) => read(thrown, field)).find((value) => typeof value === 'string');
  if (message === undefined) return excerpt(spoken(thrown));
  // A class says something; "Error" and the W3C words, which stand in the message too, do not.
  const says = /^\w+$/.test(name) && name !== 'Error' && name !== 'SchedulerError';
  return says ? `${name}: ${excerpt(message)}` : excerpt(message);
}

/** A value that is no error, in a few words. */
function spoken(value: unknown): string {
  try {
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
    if (Array.isArray(value)) return `a list of ${value.length}`;
    // Writing out a number of a million digits takes a second.
    if (typeof value === 'bigint') return value === BigInt.asIntN(64, value) ? `${value}` : 'a huge number';
    return String(value);
  } catch {
    return 'an error that cannot be read';
  }
}

/** A proxy may forbid even the question of its class. */
function ourError(thrown: unknown): SchedulerError | null {
  try {
    return thrown instanceof SchedulerError ? thrown : null;
  } catch {
    return null;
  }
}

function wordOf(from: unknown, name: string): string {
  const value = read(from, name);
  return typeof value === 'string' ? value.slice(0, WORD) : '';
}

/** One property; undefined also when it cannot be read. */
function read(from: unknown, name: string): unknown {
  try {
    return (from as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/**
 * Whose trouble is it? Turns anything that was thrown into a Failure.
 *
 * Source first: our own code, the publisher's own word, Node's code, the class;
 * the text last, and only its beginning (`error-sentences.ts`). An account is
 * blamed only by what says so outright: webdriverio's errors never do, nor does
 * a caption, a screen's narrative or a substring.
 *
 * Never throws, whatever it is given, and looks at no more than the beginning
 * and the end of a text (`testimony.ts`), so that a screen dump costs nothing.
 */
import type { ErrorCode } from '../errors.ts';
import { withoutCaption } from './caption.ts';
import {
  ACCOUNT_SENTENCES,
  CODES,
  DENIED,
  HINTS,
  NAMES,
  NUMBERS,
  providerType,
  SENTENCES,
  type Sentence,
  UPLOAD_MAY_RUN,
} from './error-sentences.ts';
import type { Failure, FailureCategory, Phase } from './failure.ts';
import { canonicalType, failureOf, isCategory, kindOf } from './failure-types.ts';
import { scrubber } from './scrub.ts';
import { excerpt, type Testimony, testimonyOf } from './testimony.ts';

export interface ClassifyContext {
  readonly phase: Phase;
  readonly account: string;
  /** The commit point was passed: without proof of absence the outcome is unknown. */
  readonly committed: boolean;
  /** Ours, hence no evidence of anything when it turns up in a message. */
  readonly caption: string;
}

interface Finding {
  readonly category: FailureCategory;
  readonly type: string;
}

/** Characters looked at for a sentence. */
const BEGINNING = 2_000;
const CAUSES = 4;
const NOTHING: Finding = { category: 'unknown', type: '' };

/** What a vision model tells about a screen is a story, not a report. */
const NARRATIVE = ' - Vision analysis:';

/** What programs put in front of the sentence that matters. */
const WRAPPER =
  /^(?:\[[a-z_]{1,40}\]\s{0,4}|(?:[\w.]*(?:Exception|Error|Expired|Exceeded|Required)|Message|Caused by)\s*(?::\s+|$)|Appium (?:connection failed after \d+ attempts|reconnect failed)\s*:\s+|UI dump failed \(\w+\)\s*:\s+)/;

/** `connect ECONNREFUSED 127.0.0.1:4723`, `ENOENT: no such file`, `Request failed with error code UND_ERR_SOCKET` */
const CODE = /(?:\berror code |\bconnect |^(?:(?:read|write|listen|getaddrinfo) )?)((?:E|UND_ERR_|HPE_)[A-Z_]{3,})\b/;

const NUMBER = /^\[(?:Errno|WinError) (\d{1,5})\]/;

/** A report that begins with one of our words: `logged_out: sign in`. */
const WORD = /^([a-z]+(?:_[a-z]+)+)(?:$|\s*:)/;

/** Codes of ours whose failure type has another name. The others are called by their code in small letters. */
const TYPE_OF_CODE: Readonly<Partial<Record<ErrorCode, string>>> = {
  VIDEO_CHANGED: 'bytes_changed',
  VIDEO_MISSING: 'file_missing',
  APPIUM_DOWN: 'appium_crash',
  APPIUM_PORT_FOREIGN: 'port_busy',
  SESSION_FAILED: 'session_lost',
  UI_FAILED: 'session_lost',
  ELEMENT_NOT_FOUND: 'ui_changed',
  UNKNOWN_SCREEN: 'navigation_stuck',
};

/** Codes of ours that only carry a foreign text: it says more than the code. */
const CARRIERS: readonly ErrorCode[] = ['UI_FAILED', 'SESSION_FAILED', 'ADB_FAILED'];

const scrub = scrubber([]);

/** What is known about a failed attempt. `evidence` is the caller's to fill in. */
export function classify(error: unknown, context: ClassifyContext): Failure {
  const heard = [...chainOf(error)].map((testimony) => ({ ...testimony, text: judged(testimony.text, context.caption) }));
  const [said] = heard as [Testimony];
  const found = heard.map(find).find((finding) => finding !== null) ?? NOTHING;
  // An upload that may be running outweighs every proof that nothing was sent.
  const mayRun = heard.some(({ text }) => UPLOAD_MAY_RUN.test(text));
  const uncertain = mayRun || (context.committed && !said.proofOfAbsence);
  return failureOf({ ...found, phase: context.phase, message: scrub(said.text), uncertain });
}

/** The step of the flow that did not come about, by the error's own word; null when it is not about one. */
export function stepOf(error: unknown): string | null {
  return testimonyOf(error).step || null;
}

/** The error, and what caused it. */
function* chainOf(error: unknown): Generator<Testimony> {
  let next = error;
  for (let depth = 0; depth <= CAUSES && (next !== undefined || depth === 0); depth += 1) {
    const testimony = testimonyOf(next);
    yield testimony;
    next = testimony.cause;
  }
}

function find(heard: Testimony): Finding | null {
  if (heard.ours !== null) return ofOurs(heard, heard.ours);
  const hinted = ofHints(heard);
  if (hinted !== null) return hinted;
  // A program that is not there has the code of a file that is not there; its sentence says which.
  const byCode = heard.text.startsWith('spawn ') ? null : ofType(wordIn(CODES, heard.code));
  return byCode ?? ofText(heard);
}

function ofOurs(heard: Testimony, { code, category: declared, carried }: NonNullable<Testimony['ours']>): Finding {
  const category = isCategory(declared) ? declared : declared === 'usage' ? 'configuration' : 'unknown';
  if (code === 'ACCOUNT_SCREEN') {
    return { category: isCategory(heard.category) ? heard.category : category, type: canonicalType(heard.type) };
  }
  if (CARRIERS.includes(code)) {
    // A driver's answer is about the machine: the sentences that blame an account are not even tried.
    const type = wordIn(NAMES, carried.name) ?? wordIn(CODES, carried.code) ?? ofSentences(peel(carried.text.slice(0, BEGINNING)).core);
    const found = ofType(type);
    if (found !== null && found.category !== 'account') return found;
  }
  return { category, type: TYPE_OF_CODE[code] ?? code.toLowerCase() };
}

/** The publisher's own word: no guessing. */
function ofHints(heard: Testimony): Finding | null {
  const type = canonicalType(heard.type);
  return isCategory(heard.category) ? { category: heard.category, type } : ofType(type);
}

function ofText({ text, name }: Pick<Testimony, 'text' | 'name'>): Finding | null {
  const beginning = text.slice(0, BEGINNING);
  const { core, wrappers } = peel(beginning.split(NARRATIVE, 1)[0] as string);
  // A driver reports about machines alone, whatever the screen says that it repeats.
  const report = !/ when running "/.test(beginning) && !DENIED.test(core);
  const word = report ? ofType(canonicalType(WORD.exec(core)?.[1] ?? '')) : null;
  if (word !== null) return word;
  const account = report ? firstIn(ACCOUNT_SENTENCES, core) : null;
  const named = [name, ...wrappers].map((word) => wordIn(NAMES, word)).find((type) => type !== null);
  return ofType(account ?? ofSentences(core) ?? named ?? firstIn(HINTS, core));
}

function ofSentences(core: string): string | null {
  const known = firstIn(SENTENCES, core);
  if (known !== null) return known;
  const code = wordIn(CODES, CODE.exec(core)?.[1] ?? '') ?? wordIn(NUMBERS, NUMBER.exec(core)?.[1] ?? '');
  return code ?? providerType(core);
}

function firstIn(sentences: readonly Sentence[], text: string): string | null {
  return sentences.find(([sentence]) => sentence.test(text))?.[1] ?? null;
}

function ofType(type: string | null): Finding | null {
  const kind = type === null ? null : kindOf(type);
  return kind === null ? null : { category: kind.category, type: type as string };
}

function wordIn(table: Readonly<Record<string, string>>, word: string): string | null {
  return Object.hasOwn(table, word) ? (table[word] as string) : null;
}

/** Takes the wrappers off: `Exception: Appium connection failed after 3 attempts: Message: the sentence`. */
function peel(text: string): { readonly core: string; readonly wrappers: readonly string[] } {
  const wrappers: string[] = [];
  let core = text.trimStart();
  for (let layer = 0; layer < 8; layer += 1) {
    const found = WRAPPER.exec(core);
    if (found === null) break;
    wrappers.push(...(found[0].match(/\w+/g) as string[]));
    core = core.slice(found[0].length);
  }
  return { core, wrappers };
}

/**
 * The text without our caption, when the caption alone would be taken for a failure or an upload. Any other is left where
 * it is: without "Reels" and "Post", captions both, the app's own sentences could not be told.
 */
function judged(text: string, caption: string): string {
  const without = withoutCaption(text, caption);
  return without !== text && misleads(caption) ? without : text;
}

function misleads(caption: string): boolean {
  return UPLOAD_MAY_RUN.test(excerpt(caption)) || ofText({ text: excerpt(caption), name: '' }) !== null;
}

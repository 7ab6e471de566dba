/**
 * Whose trouble is it? Turns anything that was thrown into a Failure.
 *
 * Source first: our own code, the publisher's own word, Node's code, the class;
 * the text last, and only its beginning (`error-sentences.ts`). An account is
 * blamed only by what says so outright: webdriverio's errors never do, nor does
 * a caption, a screen's narrative or a substring.
 *
 * Never throws, whatever it is given, and looks at no more than the first few
 * thousand characters, so that a screen dump costs nothing.
 */
import { type ErrorCode, SchedulerError } from '../errors.ts';
import { ACCOUNT_SENTENCES, CODES, NAMES, providerType, SENTENCES, UPLOAD_MAY_RUN } from './error-sentences.ts';
import type { Failure, FailureCategory, Phase } from './failure.ts';
import { canonicalType, isCategory, kindOf, scopeOf } from './failure-types.ts';

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

/** What an unknown thrown value says about itself; reading it may fail in any way. */
interface Testimony {
  readonly text: string;
  readonly name: string;
  readonly code: string;
  readonly hintCategory: unknown;
  readonly hintType: unknown;
  readonly proofOfAbsence: boolean;
  readonly step: unknown;
  readonly cause: unknown;
}

/** Characters looked at for a sentence, and for evidence of an upload. */
const BEGINNING = 2_000;
const EVIDENCE = 8_000;
const CAUSES = 4;
const STEP = 64;
const NOTHING: Finding = { category: 'unknown', type: '' };

/** What a vision model tells about a screen is a story, not a report. */
const NARRATIVE = ' - Vision analysis:';

/** What programs put in front of the sentence that matters. */
const WRAPPER =
  /^(?:\[[a-z_]{1,40}\]\s{0,4}|(?:[\w.]*(?:Exception|Error|Expired)|Message|Caused by)\s*:\s+|Appium (?:connection failed after \d+ attempts|reconnect failed)\s*:\s+|UI dump failed \(\w+\)\s*:\s+)/;

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

/** What is known about a failed attempt. `evidence` is the caller's to fill in. */
export function classify(error: unknown, context: ClassifyContext): Failure {
  const heard = listen(error);
  const found = find(error, heard, context, CAUSES);
  return {
    scope: scopeOf(found.category, found.type),
    ...found,
    phase: context.phase,
    message: heard.text,
    uncertain: uploadMayRun(heard, context) || (context.committed && !heard.proofOfAbsence),
    ...(typeof heard.step === 'string' ? { step: heard.step.slice(0, STEP) } : {}),
    evidence: null,
  };
}

function find(error: unknown, heard: Testimony, context: ClassifyContext, depth: number): Finding {
  if (error instanceof SchedulerError) return ofOurs(error);
  const hinted = ofHints(heard);
  if (hinted !== null) return hinted;
  // A program that is not there has the code of a file that is not there; its sentence says which.
  const byCode = heard.text.startsWith('spawn ') ? null : ofType(CODES[heard.code]);
  if (byCode !== null) return byCode;
  const found = ofText(heard, context);
  if (found !== null) return found;
  if (heard.cause === undefined || depth === 0) return NOTHING;
  return find(heard.cause, listen(heard.cause), context, depth - 1);
}

function ofOurs(error: SchedulerError): Finding {
  const { code, details } = error;
  const category = isCategory(error.category) ? error.category : error.category === 'usage' ? 'configuration' : 'unknown';
  if (code === 'ACCOUNT_SCREEN') {
    const said = isCategory(details.category) ? details.category : category;
    return { category: said, type: canonicalType(String(details.type ?? '')) };
  }
  if (CARRIERS.includes(code)) {
    // A driver's answer is about the machine: the sentences that blame an account are not even tried.
    const said = peel(String(details.text ?? '').slice(0, BEGINNING));
    const type = NAMES[String(details.name ?? '')] ?? CODES[String(details.code ?? '')] ?? ofSentences(said.core);
    const found = ofType(type ?? undefined);
    if (found !== null && found.category !== 'account') return found;
  }
  return { category, type: TYPE_OF_CODE[code] ?? code.toLowerCase() };
}

/** The publisher's own word: no guessing. */
function ofHints(heard: Testimony): Finding | null {
  const type = typeof heard.hintType === 'string' ? canonicalType(heard.hintType.slice(0, 64)) : '';
  if (isCategory(heard.hintCategory)) return { category: heard.hintCategory, type };
  return ofType(type);
}

function ofText(heard: Testimony, context: ClassifyContext): Finding | null {
  const beginning = withoutCaption(heard.text.slice(0, BEGINNING), context.caption);
  const { core, wrappers } = peel(beginning.split(NARRATIVE, 1)[0] as string);
  const driver = / when running "/.test(beginning);
  const account = driver ? undefined : ACCOUNT_SENTENCES.find(([sentence]) => sentence.test(core))?.[1];
  const named = [heard.name, ...wrappers].map((name) => NAMES[name]).find((type) => type !== undefined);
  return ofType(account ?? ofSentences(core) ?? named ?? undefined);
}

function ofSentences(core: string): string | null {
  const known = SENTENCES.find(([sentence]) => sentence.test(core));
  if (known !== undefined) return known[1];
  const code = /\b(?:error code |connect )(E[A-Z]{3,}|UND_ERR_[A-Z_]+)\b/.exec(core)?.[1];
  return (code === undefined ? undefined : CODES[code]) ?? providerType(core);
}

function ofType(type: string | undefined): Finding | null {
  const kind = type === undefined ? null : kindOf(type);
  return kind === null ? null : { category: kind.category, type: type as string };
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

/** An upload that may be running outweighs every proof that nothing was sent. */
function uploadMayRun(heard: Testimony, context: ClassifyContext): boolean {
  return UPLOAD_MAY_RUN.test(withoutCaption(heard.text.slice(0, EVIDENCE), context.caption));
}

function withoutCaption(text: string, caption: string): string {
  return caption.length < 4 ? text : text.replaceAll(caption, '');
}

function listen(error: unknown): Testimony {
  const read = (name: string): unknown => {
    try {
      return (error as Readonly<Record<string, unknown>>)[name];
    } catch {
      return undefined;
    }
  };
  const isObject = typeof error === 'object' && error !== null;
  if (!isObject)
    return {
      text: asText(error),
      name: '',
      code: '',
      hintCategory: undefined,
      hintType: undefined,
      proofOfAbsence: false,
      step: undefined,
      cause: undefined,
    };
  const name = read('name');
  const code = read('code');
  return {
    text: textOf(error, read('message'), name),
    name: typeof name === 'string' ? name : '',
    code: typeof code === 'string' ? code : '',
    hintCategory: read('category'),
    hintType: read('type'),
    proofOfAbsence: read('proofOfAbsence') === true,
    step: error instanceof SchedulerError ? error.details.step : read('step'),
    cause: read('cause') ?? undefined,
  };
}

/** The raw error, whole. */
function textOf(error: object, message: unknown, name: unknown): string {
  if (typeof message !== 'string') return ArrayBuffer.isView(error) ? `${error.byteLength} bytes` : asText(error);
  const plain = typeof name !== 'string' || name === '' || name === 'Error' || name === 'SchedulerError';
  return plain ? message : `${name}: ${message}`;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value);
  } catch {
    return 'an error that cannot be read';
  }
}

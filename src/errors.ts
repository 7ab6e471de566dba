/**
 * The catalogue of what can go wrong, and the one class that crosses an edge.
 *
 * Every code says what happened and what the operator does next. Foreign errors
 * become codes at the edge where they occur. `docs/errors.md` lists the same
 * codes; a test compares the two.
 */
import type { FailureCategory } from './domain/failure.ts';

export interface CatalogueEntry {
  /** What happened. `{name}` is filled in from the error's details. */
  readonly message: string;
  readonly category: FailureCategory | 'usage' | 'defect';
  /** What the operator does next. */
  readonly next: string;
}

export const CATALOGUE = {
  // --- the program itself
  ILLEGAL_TRANSITION: {
    message: 'job {job} cannot go through "{event}" while it is {status}',
    category: 'defect',
    next: 'If you ordered this, look at `scheduler --status` for the state of the job; otherwise report it as a defect.',
  },
  CLAIM_LOST: {
    message: 'job {job} is no longer held by this worker',
    category: 'infrastructure',
    next: 'Nothing: another worker, or a newer daemon, has taken over and this one stopped.',
  },
  // --- the lock
  LOCK_HELD: {
    message: 'another scheduler instance holds this home: PID {pid} on {hostname}, since {started}',
    category: 'usage',
    next: 'Use `scheduler --status` to see what it does, `scheduler --stop` to end it.',
  },
  STORE_TAKEN: {
    message: 'a scheduler in another home acts on {store}: PID {pid}',
    category: 'usage',
    next: 'Name that home by --home; a home of its own needs a `store` of its own.',
  },
  ORCHESTRATOR_CONFLICT: {
    message: 'the predecessor runs on this machine and posts from the same phones: PID {pid}{others} ({command})',
    category: 'usage',
    next: 'End it, wait until its posts are through, `--import` its progress file, then start again.',
  },
  LOCK_LOST: {
    message: 'the lock of this home now belongs to another instance',
    category: 'infrastructure',
    next: 'Nothing: this daemon stops by itself; the newer one goes on.',
  },
  LOCK_DAMAGED: {
    message: 'the file {path}, which keeps a second scheduler away, is damaged: {text}',
    category: 'configuration',
    next: 'It holds no data: end every scheduler that may use it, on other machines and in containers too, then remove it; the next start makes it anew.',
  },
  // --- usage and configuration
  BAD_USAGE: { message: '{what}', category: 'usage', next: 'See `scheduler --help`.' },
  BAD_CONFIG: {
    message: '{where}: {what}',
    category: 'configuration',
    next: 'Correct the file, then order it again: what is added, planned, exported or started goes by it.',
  },
  NO_ACCOUNTS: { message: 'there is no account to post from', category: 'usage', next: 'Add some: `--add-accounts alice,bob`.' },
  NO_JOBS: { message: 'there is nothing to publish', category: 'usage', next: 'Add a folder of videos: `--add-folder DIR`.' },
  UNKNOWN_ACCOUNT: {
    message: 'there is no account "{account}" in this home',
    category: 'usage',
    next: 'Correct the name, or add the account by `--add-accounts NAME`.',
  },
  UNKNOWN_JOB: {
    message: 'there is no job "{job}" in this home',
    category: 'usage',
    next: '`scheduler --status --json` and `--export FILE.csv` list the jobs.',
  },
  REFUSED: { message: '{what}', category: 'usage', next: '{next}' },
  // --- attempts
  ALREADY_PUBLISHED: { message: 'already published by {job}', category: 'content', next: 'Nothing. A wanted repeat is `--again`.' },
  COMMIT_TWICE: {
    message: 'the publisher called commit() a second time',
    category: 'defect',
    next: 'Correct the publisher: commit() is called exactly once, right before the one irreversible act.',
  },
  COMMIT_TOO_LATE: {
    message: 'the publisher called commit() after its attempt was over ({why})',
    category: 'defect',
    next: 'Correct the publisher: stop when ctx.signal aborts.',
  },
  PUBLISHER_NO_COMMIT: {
    message: 'the publisher {publisher} returned without a commit() that resolved',
    category: 'defect',
    next: 'Correct the publisher, then settle the job by `--settle` and start again: it was paused.',
  },
  PHASE_TIMEOUT: {
    message: 'phase {phase} took longer than {limitMs} ms',
    category: 'infrastructure',
    next: 'Look at the evidence; raise the limit of the phase if the phone is only slow.',
  },
  ATTEMPT_TIMEOUT: {
    message: 'the attempt took longer than {limitMs} ms, as long as all its phases may take together',
    category: 'infrastructure',
    next: 'Look at the evidence; a publisher that goes back to an earlier phase again and again never comes to an end.',
  },
  // --- phones
  ADB_NOT_FOUND: {
    message: 'adb was not found ({where})',
    category: 'configuration',
    next: 'Install it (Debian: `apt-get install adb`) or set ANDROID_HOME.',
  },
  ADB_FAILED: {
    message: 'adb {command} failed on {serial}: {text}',
    category: 'infrastructure',
    next: 'Look at the phone and its cable or network; `adb devices` shows what adb sees.',
  },
  ADB_TIMEOUT: {
    message: 'adb {command} on {serial} did not answer within {limitMs} ms',
    category: 'infrastructure',
    next: 'Look at the phone; it may hang or have lost its network.',
  },
  DEVICE_OFFLINE: {
    message: 'phone {device} cannot be reached: {text}',
    category: 'infrastructure',
    next: 'Look at the phone and its cable or network.',
  },
  DEVICE_UNAUTHORIZED: {
    message: 'phone {device} has not allowed this computer',
    category: 'configuration',
    next: 'Accept the question for USB debugging on the phone.',
  },
  PHONE_NOT_FOUND: {
    message: 'no phone for account {account}: {text}',
    category: 'configuration',
    next: 'Name one in scheduler.yaml: `accounts: [{name: {account}, device: …}]`.',
  },
  PHONE_TAKEN: {
    message: 'phone {device} is used by another home of this host: {holder}',
    category: 'configuration',
    next: 'Leave the phone to one of the two homes; a phone that two schedulers use at once posts for neither.',
  },
  PHONE_TWICE: {
    message: 'phone {device} is the same device as {other}, which {user}',
    category: 'configuration',
    next: 'Name this phone in one way only, for all its accounts and in one home: two posts at once would meet on its screen.',
  },
  PHONE_FULL: { message: 'phone {device} has no space left for the video', category: 'infrastructure', next: 'Free space on the phone.' },
  VIDEO_CHANGED: { message: 'the file {path} is not the one that was queued', category: 'content', next: 'Add the new file as a new job.' },
  VIDEO_MISSING: {
    message: 'the file {path} cannot be read: {text}',
    category: 'configuration',
    next: 'Mount the disk or put the file back; the job waits.',
  },
  PUSH_CORRUPTED: {
    message: 'the video on the phone does not hash to the queued one',
    category: 'infrastructure',
    next: 'Nothing: it is tried again. If it stays, look at the storage of the phone.',
  },
  // --- Appium
  APPIUM_NOT_FOUND: {
    message: 'Appium or its UiAutomator2 driver is not installed: {text}',
    category: 'configuration',
    next: 'Run `npm ci` in the program folder.',
  },
  APPIUM_DOWN: {
    message: 'Appium at {url} does not answer: {text}',
    category: 'infrastructure',
    next: 'Nothing: it is restarted. The log has its last lines.',
  },
  APPIUM_PORT_FOREIGN: {
    message: 'port {port} is taken by a program that is not ours (PID {pid})',
    category: 'configuration',
    next: 'Nothing, the next free port is used; or end that program yourself.',
  },
  SESSION_FAILED: {
    message: 'no session on {device}: {text}',
    category: 'infrastructure',
    next: 'Nothing: it is tried again. If it stays, restart the phone.',
  },
  UI_FAILED: { message: '{text}', category: 'infrastructure', next: 'Nothing: it is tried again. The evidence shows the screen.' },
  ELEMENT_NOT_FOUND: {
    message: 'none of {selectors} appeared within {limitMs} ms',
    category: 'unknown',
    next: 'Look at the evidence: the app may have changed; correct the flow file.',
  },
  // --- flows
  BAD_FLOW: { message: '{where}: {what}', category: 'configuration', next: 'Correct the flow file; flows/flow.schema.json describes it.' },
  UNKNOWN_APP: {
    message: 'there is no flow for app "{app}"',
    category: 'configuration',
    next: "Add flows/{app}.yaml or correct the account's app.",
  },
  UNKNOWN_SCREEN: {
    message: 'the app shows a screen the flow does not know (step {step})',
    category: 'infrastructure',
    next: 'Look at the evidence; add the screen to the flow file.',
  },
  ACCOUNT_SCREEN: {
    message: 'the app says about {account}: {what}',
    category: 'account',
    next: 'Open the app on the phone, settle it there, then `--release {account}`.',
  },
  WRONG_ACCOUNT: {
    message: 'the app is signed in as {found}, not as {account}',
    category: 'account',
    next: 'Sign {account} in on the phone, then `--release {account}`.',
  },
  WRONG_VIDEO: {
    message: 'the video chosen in the picker is not the one that was pushed',
    category: 'infrastructure',
    next: 'Nothing was posted; it is tried again.',
  },
  VIDEO_NOT_LISTED: {
    message: "the app's picker did not show {video} within {limitMs} ms",
    category: 'infrastructure',
    next: 'Nothing was posted; it is tried again. If it stays, look at the gallery of the phone and at its storage permission for the app.',
  },
  CAPTION_CHANGED: {
    message: 'the caption field does not hold the caption that was typed ({foundLength} characters instead of {expectedLength})',
    category: 'infrastructure',
    next: 'Nothing was posted; it is tried again. If it stays, look at the evidence: the app may limit captions.',
  },
  OTHER_ACCOUNT_SCREEN: {
    message: 'the phone of {account} shows trouble of {found}: {what}',
    category: 'configuration',
    next: 'Open the app on the phone and settle it there; {account} itself is fine.',
  },
  REJECTED: {
    message: 'the app refused the video: {what}',
    category: 'content',
    next: 'Look at the evidence; correct the video or its caption and add it again.',
  },
  NOT_CONFIRMED: {
    message: 'the app did not confirm the post: {what}',
    category: 'unknown',
    next: "Look at the account's profile, then `--settle JOB published` or `--settle JOB absent`.",
  },
  // --- publishers
  BAD_PUBLISHER: {
    message: 'the publisher {path} cannot be used: {what}',
    category: 'configuration',
    next: 'Correct the module; docs/adding-a-publisher.md shows one in twenty lines.',
  },
  // --- store
  STORE_TOO_NEW: {
    message: 'the store is of schema {found}, this program knows up to {known}',
    category: 'configuration',
    next: 'Use the newer program.',
  },
  HOME_NOT_WRITABLE: {
    message: 'the home cannot be written: {folder} ({text})',
    category: 'configuration',
    next: 'Give the folder to the user who runs the scheduler, or name another home by --home.',
  },
  STORE_FAILED: {
    message: 'the store failed: {text}',
    category: 'infrastructure',
    next: 'Look at disk space and permissions of the home folder.',
  },
  BAD_IMPORT: { message: '{file}: {what}', category: 'usage', next: 'Look at the report; nothing of this file was imported.' },
  // --- the installation
  SERVICE_REFUSED: { message: '{what}', category: 'usage', next: '{next}' },
  SERVICE_FAILED: {
    message: '{command} failed: {text}',
    category: 'infrastructure',
    next: 'Correct what it says and order it again; `journalctl -u posting-scheduler` has more.',
  },
  BACKUP_REFUSED: { message: '{what}', category: 'usage', next: '{next}' },
  // --- control
  NO_DAEMON: { message: 'no scheduler is running in {home}', category: 'usage', next: 'Start it by `scheduler --run`.' },
  CONTROL_LOST: {
    message: 'the running scheduler went away before it answered',
    category: 'infrastructure',
    next: 'Look at `scheduler --status` whether the order was carried out, then repeat it if it was not.',
  },
  CONTROL_MISFIT: {
    message: 'the running scheduler is of another version than this command: {what}',
    category: 'usage',
    next: 'Use the same version for both: `scheduler --stop`, then start it by this one.',
  },
  CONTROL_TIMEOUT: {
    message: 'the running scheduler (PID {pid}) did not answer within {limitMs} ms',
    category: 'infrastructure',
    next: '`scheduler --status` shows its last heartbeat.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export interface SchedulerErrorOptions {
  readonly cause?: unknown;
  /** Fill the placeholders of the message; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class SchedulerError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: SchedulerErrorOptions = {}) {
    const details = options.details ?? {};
    super(fill(CATALOGUE[code].message, details), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SchedulerError';
    this.code = code;
    this.details = details;
  }

  get category(): CatalogueEntry['category'] {
    return CATALOGUE[this.code].category;
  }

  /** What the operator does next, as one sentence. */
  get next(): string {
    return fill(CATALOGUE[this.code].next, this.details);
  }
}

function fill(template: string, details: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in details ? String(details[name]) : whole));
}

/**
 * The words for what goes wrong: each type with whose trouble it is and what is
 * charged. Old spellings are understood, never written.
 */
import type { Failure, FailureCategory, FailureScope } from './failure.ts';

export interface FailureKind {
  readonly category: FailureCategory;
  readonly scope: FailureScope;
}

const ACCOUNT: FailureKind = { category: 'account', scope: 'account' };
const DEVICE: FailureKind = { category: 'infrastructure', scope: 'device' };
const SERVER: FailureKind = { category: 'infrastructure', scope: 'server' };
const ATTEMPT: FailureKind = { category: 'infrastructure', scope: 'job' };
const CONTENT: FailureKind = { category: 'content', scope: 'job' };
const CONFIGURATION: FailureKind = { category: 'configuration', scope: 'configuration' };
const UNKNOWN: FailureKind = { category: 'unknown', scope: 'job' };

export const FAILURE_TYPES = {
  // The platform's no: the account goes on hold and a person is called.
  suspended: ACCOUNT,
  terminated: ACCOUNT,
  captcha: ACCOUNT,
  verification: ACCOUNT,
  logged_out: ACCOUNT,
  action_blocked: ACCOUNT,
  banned: ACCOUNT,
  wrong_account: ACCOUNT,
  // The phone or the way to it.
  adb_timeout: DEVICE,
  device_offline: DEVICE,
  connection_dropped: DEVICE,
  session_lost: DEVICE,
  glogin_expired: DEVICE,
  phone_not_running: DEVICE,
  phone_full: DEVICE,
  adb_failed: DEVICE,
  // A server: Appium, or the cloud that rents out the phones.
  appium_crash: SERVER,
  port_busy: SERVER,
  provider_error: SERVER,
  rate_limited: SERVER,
  disk_full: SERVER,
  store_failed: SERVER,
  // This attempt only.
  app_crash: ATTEMPT,
  verification_race: ATTEMPT,
  navigation_stuck: ATTEMPT,
  phase_timeout: ATTEMPT,
  attempt_timeout: ATTEMPT,
  holder_died: ATTEMPT,
  wrong_video: ATTEMPT,
  push_corrupted: ATTEMPT,
  // The video or its caption.
  corrupt_video: CONTENT,
  bytes_changed: CONTENT,
  rejected: CONTENT,
  // Somebody has to set something right.
  android_home_unset: CONFIGURATION,
  adb_not_found: CONFIGURATION,
  program_missing: CONFIGURATION,
  adb_disabled: CONFIGURATION,
  device_unauthorized: CONFIGURATION,
  phone_not_found: CONFIGURATION,
  phone_unusable: CONFIGURATION,
  file_missing: CONFIGURATION,
  app_not_installed: CONFIGURATION,
  bad_flow: CONFIGURATION,
  appium_misconfigured: CONFIGURATION,
  provider_refused: CONFIGURATION,
  // Nobody can tell.
  ui_changed: UNKNOWN,
  not_confirmed: UNKNOWN,
} as const satisfies Record<string, FailureKind>;

export type FailureType = keyof typeof FAILURE_TYPES;

/** The ancestor's spellings, and the words of an app's own server. */
const ALIASES: Readonly<Record<string, FailureType>> = {
  loggedout: 'logged_out',
  actionblocked: 'action_blocked',
  disabled: 'terminated',
  login_required: 'logged_out',
  challenge_required: 'verification',
  checkpoint_required: 'verification',
  feedback_required: 'action_blocked',
  claude_stuck: 'navigation_stuck',
};

const SCOPES: Readonly<Record<FailureCategory, FailureScope>> = {
  account: 'account',
  infrastructure: 'job',
  content: 'job',
  configuration: 'configuration',
  unknown: 'job',
};

/** The word that is written for a type that was read, `loggedout` → `logged_out`; foreign words stay as they are. */
export function canonicalType(type: string): string {
  return Object.hasOwn(ALIASES, type) ? (ALIASES[type] as FailureType) : type;
}

/** What is known about a type; null for a foreign word. */
export function kindOf(type: string): FailureKind | null {
  return Object.hasOwn(FAILURE_TYPES, type) ? FAILURE_TYPES[type as FailureType] : null;
}

export function isCategory(value: unknown): value is FailureCategory {
  return typeof value === 'string' && Object.hasOwn(SCOPES, value);
}

/** What is charged: the type says it best, else the category does. */
export function scopeOf(category: FailureCategory, type: string): FailureScope {
  const kind = kindOf(type);
  return kind?.category === category ? kind.scope : SCOPES[category];
}

/**
 * Another attempt may go well though nobody has set anything right. What is in doubt is not tried again, and what has to be
 * set right (`configuration`) is put off instead.
 */
export function isRetryable({ category, uncertain }: Pick<Failure, 'category' | 'uncertain'>): boolean {
  return !uncertain && (category === 'infrastructure' || category === 'unknown');
}

/** A failure with what follows from its category and type. */
export function failureOf(known: Omit<Failure, 'scope' | 'retryable' | 'evidence'>): Failure {
  return {
    scope: scopeOf(known.category, known.type),
    category: known.category,
    type: known.type,
    phase: known.phase,
    retryable: isRetryable(known),
    message: known.message,
    uncertain: known.uncertain,
    evidence: null,
  };
}

/** The same failure after somebody has looked, or could not tell. */
export function withDoubt(failure: Failure, uncertain: boolean): Failure {
  return { ...failure, uncertain, retryable: isRetryable({ ...failure, uncertain }) };
}

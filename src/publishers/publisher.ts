/**
 * A publisher does one attempt at one job. This is the face third parties
 * implement; docs/adding-a-publisher.md shows one in twenty lines.
 *
 * The contract of the commit point: do all that can be taken back, then
 * `await ctx.commit()`, then the one irreversible act, once, then wait for
 * positive confirmation and resolve. Resolving after commit() means: it is
 * public. Throwing before it means: nothing was posted. Throwing after it means
 * that nobody knows, unless the error has `proofOfAbsence: true`.
 */
import type { Phase } from '../domain/failure.ts';
import type { Verdict } from '../domain/job.ts';

export interface PublishJob {
  readonly id: string;
  readonly account: string;
  /** The file as it was queued. */
  readonly video: { readonly path: string; readonly sha256: string };
  readonly caption: string;
  readonly post_key: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly max_attempts: number;
  /** The account's app, such as `demo`. */
  readonly app: string;
  /** The phone's id; null when the publisher needs none. */
  readonly device: string | null;
  /** For `verify`: the instant of the commit point, epoch milliseconds; only with it can a new post be told from an older one with the same caption. */
  readonly committed_ms?: number | null;
}

export interface AttemptLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface PublishContext {
  /** Aborts when the attempt's time is over, the lease is lost or the daemon stops. */
  readonly signal: AbortSignal;
  readonly log: AttemptLog;
  /** Says what the attempt is doing now; shown live and stored with the job. */
  phase(name: Phase): void;
  /** The last moment before the irreversible act; resolves only if the act may happen. Call it exactly once. */
  commit(): Promise<void>;
  /** Says which version of the app is on the phone: screens that do not come are counted per version. Not needed where there is no app. */
  appVersion(version: string): void;
  /** Keeps a file as evidence (`screen.png`, `source.xml`). */
  evidence(name: string, bytes: Uint8Array): Promise<void>;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What `verify` is given: it looks, and has nothing to commit. */
export type LookContext = Omit<PublishContext, 'commit' | 'appVersion'>;

export interface Publisher {
  readonly name: string;
  readonly needs: { readonly appium: boolean; readonly device: boolean };
  publish(job: PublishJob, ctx: PublishContext): Promise<void>;
  /** Looks, read-only, whether the post is public. Absent = every look is `unknown`. */
  verify?(job: PublishJob, ctx: LookContext): Promise<Verdict | 'unknown'>;
  /** How long the app may go on uploading after the old holder was cut off, before a look counts; milliseconds. */
  readonly settleMs?: number;
}

/** A publisher with the options it was configured with. */
export interface ChosenPublisher {
  readonly publisher: Publisher;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What an error thrown by a publisher may carry; then no guessing. */
export interface PublishErrorHints {
  readonly category?: string;
  readonly type?: string;
  readonly proofOfAbsence?: boolean;
}

/**
 * The apps' side of a simulated world: what was really posted, when it can be
 * seen, and who still has a tap in hand. It alone is the judge of promise 1; it
 * believes nothing that the product says.
 */
import { postKey } from '../../src/domain/post-key.ts';
import type { PublishJob } from '../../src/publishers/publisher.ts';
import type { SimProcess } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

/** Within this time after the tap a post is public, or its app shows that the upload runs. The product is told so (`settleMs`). */
export const SETTLE_MS = { phone: 20_000, module: 10_000 } as const;

/** One call of publish() that has not ended. */
export interface Flight {
  readonly process: SimProcess;
  readonly account: string;
  readonly key: string;
  readonly job: string;
  /** Null for a module; else the phone's session that its taps go through. */
  readonly session: { readonly phone: string; readonly number: number } | null;
  /** commit() resolved: it may act. */
  committed: boolean;
  acted: boolean;
}

export interface Landing {
  readonly account: string;
  readonly key: string;
  /** Wall time of the commit point: its instant decides the account's day. */
  readonly committedWallMs: number;
  readonly landedMs: number;
  /** Until then nothing can be seen of it. */
  readonly hiddenUntilMs: number;
  /** From then on it is public; Infinity = the upload is lost. Between the two the app shows that it uploads. */
  readonly publicMs: number;
  readonly lostMs: number;
}

export type Seen = 'public' | 'uploading' | 'nothing';

export class Platform {
  readonly landings: Landing[] = [];
  readonly flights = new Set<Flight>();
  /** Requests that were sent and have not arrived. */
  onTheWay = 0;
  readonly #timeline: Timeline;
  readonly #sessions = new Map<string, number>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** A new session on a phone ends the one before. */
  openSession(phone: string): number {
    const number = (this.#sessions.get(phone) ?? 0) + 1;
    this.#sessions.set(phone, number);
    return number;
  }

  sessionLives({ session }: Flight): boolean {
    return session === null || this.#sessions.get(session.phone) === session.number;
  }

  land(landing: Omit<Landing, 'landedMs'>): void {
    this.landings.push({ ...landing, landedMs: this.#timeline.monotonic() });
  }

  /** What the profile and the app show of this post now. */
  look(key: string): Seen {
    const now = this.#timeline.monotonic();
    let seen: Seen = 'nothing';
    for (const landing of this.landings) {
      if (landing.key !== key || now < landing.hiddenUntilMs) continue;
      if (now >= landing.publicMs) return 'public';
      if (now < landing.lostMs) seen = 'uploading';
    }
    return seen;
  }

  /** What a person finds who looks long enough; null while it may still change. Whoever has not acted yet can be seen by nobody. */
  truth(key: string): 'published' | 'absent' | null {
    if (this.onTheWay > 0) return null;
    const now = this.#timeline.monotonic();
    const mine = this.landings.filter((landing) => landing.key === key);
    if (mine.some((landing) => landing.publicMs <= now)) return 'published';
    return mine.every((landing) => landing.publicMs === Number.POSITIVE_INFINITY && landing.lostMs <= now) ? 'absent' : null;
  }

  /** Those that have not acted, but still could. */
  armed(): Flight[] {
    return [...this.flights].filter(
      (flight) => flight.process.state !== 'dead' && flight.committed && !flight.acted && this.sessionLives(flight),
    );
  }
}

/** Account, bytes and ordered repeat, from what the publisher was told to post. */
export function keyOf(job: PublishJob): string {
  return postKey(job.account, job.video.sha256, Number(job.post_key.split(':').at(-1)));
}

/** Posts of this landing that the world can see, now or later. */
export function isPost(landing: Landing): boolean {
  return landing.publicMs !== Number.POSITIVE_INFINITY;
}

/**
 * Looks, read-only, whether a post is on the account's profile.
 *
 * `published` and `absent` both need positive proof; everything between is
 * `unknown`, because a wrong `absent` publishes twice and a wrong `published`
 * loses a video. Knows no queue: when the post was made comes from the caller.
 */
import type { Verdict } from '../domain/job.ts';
import { parseIsoTime } from '../runtime/clock.ts';
import type { FlowRun } from './flow.ts';
import { identify } from './identify.ts';
import { typedCaption } from './run-flow.ts';
import { type Look, textsOf } from './screens.ts';
import { Walk } from './walk.ts';

/** The app's clock may be a little behind ours; nothing of this account went out so shortly before its own commit. */
const BEHIND_MS = 5_000;
/** A post with another caption that is not older than this may be ours, with a caption that the app has changed. */
const RECENT_MS = 60_000;
/** A post with our caption that is not older than this may be ours on a phone whose clock or time zone is wrong. */
const DAY_MS = 24 * 3_600_000;
/** A list that is not whole yet is given this long. */
const LIST_LIMIT_MS = 15_000;
const VIA_LIMIT_MS = 20_000;

/** Looks once; FlowEngine.look says what it throws. */
export async function lookForPost(run: FlowRun, committedMs: number | null): Promise<Verdict | 'unknown'> {
  const walk = new Walk(run);
  const { flow, clock, ui } = run;
  if (flow.verify === null) return 'unknown';
  await walk.ask('openApp', (signal) => ui.openApp(flow.package, signal));
  await identify(walk);
  const { via } = flow.verify;
  await walk.until('leave the profile', VIA_LIMIT_MS, async (look) => {
    if (walk.shows(look, via.screen)) return true;
    if (walk.shows(look, flow.identify.screen)) await walk.tap(look, via.tap);
    return undefined;
  });
  await identify(walk);
  const deadline = clock.monotonic() + LIST_LIMIT_MS;
  return walk.until('read the profile', 2 * LIST_LIMIT_MS, async (look) => {
    if (!walk.shows(look, flow.identify.screen)) return undefined;
    const list = listOf(walk, look);
    const says = verdict(list, typedCaption(run.caption), committedMs);
    // A list that cannot answer may still be filling itself.
    if (says === 'unknown' && clock.monotonic() < deadline) return undefined;
    return says === 'absent' && walk.uploadSeen ? 'unknown' : says;
  });
}

interface SeenPost {
  readonly caption: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** What a profile shows, in its order. */
interface SeenList {
  readonly posts: readonly SeenPost[];
  /** True when the profile says that these are all. */
  readonly whole: boolean;
}

/** The posts on the profile; nothing, and not whole, when they cannot be read. */
function listOf(walk: Walk, look: Look): SeenList {
  const { flow } = walk.run;
  const nothing = { posts: [], whole: false };
  if (flow.verify === null) return nothing;
  const count = /^\d+/.exec(walk.textOf(look, flow.verify.count) ?? '')?.[0];
  const captions = textsOf(flow, look, flow.verify.captions, walk.values);
  const times = textsOf(flow, look, flow.verify.times, walk.values);
  if (count === undefined || times.length !== captions.length) return nothing;
  const posts = captions.map((caption, at) => ({ caption, atMs: parseIsoTime(times[at] ?? '') }));
  return posts.every((post): post is SeenPost => post.atMs !== null) ? { posts, whole: posts.length === Number(count) } : nothing;
}

/**
 * What a list of an account's posts says about one post.
 *
 * A new post with our caption is ours: while a post is in doubt the account publishes nothing else. Not being there
 * proves something only when the list is whole, or runs from the newest back to long before the commit, and when
 * nothing on it could be ours after all. Without the instant of the commit only a whole list that never had the
 * caption says anything.
 */
export function verdict({ posts, whole }: SeenList, caption: string, committedMs: number | null): Verdict | 'unknown' {
  const same = posts.filter((post) => post.caption === caption);
  if (committedMs === null) return whole && same.length === 0 ? 'absent' : 'unknown';
  if (same.some(({ atMs }) => atMs >= committedMs - BEHIND_MS)) return 'published';
  const maybeOurs = ({ atMs, caption: shown }: SeenPost) => atMs >= committedMs - (shown === caption ? DAY_MS : RECENT_MS);
  if (posts.some(maybeOurs)) return 'unknown';
  return whole || reachesBackTo(posts, committedMs - DAY_MS) ? 'absent' : 'unknown';
}

/** True when the list is sorted, newest first, and its end is older than `ms`. A pinned post breaks the order, and with it the proof. */
function reachesBackTo(posts: readonly SeenPost[], ms: number): boolean {
  const sorted = posts.every((post, at) => at === 0 || post.atMs <= (posts[at - 1]?.atMs ?? 0));
  const oldest = posts.at(-1);
  return sorted && oldest !== undefined && oldest.atMs < ms;
}

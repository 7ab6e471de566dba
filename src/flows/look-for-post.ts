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

/** The app's clock and ours may differ; a post this much before the commit may still be it. */
const CLOCK_SKEW_MS = 120_000;
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
    const posts = postsOf(walk, look);
    if (posts === null) return clock.monotonic() < deadline ? undefined : 'unknown';
    const says = verdict(posts, typedCaption(walk.run.caption), committedMs);
    return says === 'absent' && walk.uploadSeen ? 'unknown' : says;
  });
}

export interface SeenPost {
  readonly caption: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** The posts on the profile; null while the list is not provably whole. */
function postsOf(walk: Walk, look: Look): readonly SeenPost[] | null {
  const { flow } = walk.run;
  if (flow.verify === null) return null;
  const count = /^\d+/.exec(walk.textOf(look, flow.verify.count) ?? '')?.[0];
  const captions = textsOf(flow, look, flow.verify.captions, walk.values);
  const times = textsOf(flow, look, flow.verify.times, walk.values);
  if (count === undefined || captions.length !== Number(count) || times.length !== captions.length) return null;
  const posts = captions.map((caption, at) => ({ caption, atMs: parseIsoTime(times[at] ?? '') }));
  return posts.every((post): post is SeenPost => post.atMs !== null) ? posts : null;
}

/**
 * What a whole list of an account's posts says about one post.
 *
 * A new post with our caption is ours: while a post is in doubt the account publishes nothing else. A new one with
 * another caption may be ours, changed by the app. Without the instant of the commit only a list that never had the caption says anything.
 */
export function verdict(posts: readonly SeenPost[], caption: string, committedMs: number | null): Verdict | 'unknown' {
  const same = posts.filter((post) => post.caption === caption);
  if (committedMs === null) return same.length === 0 ? 'absent' : 'unknown';
  const isNew = (post: SeenPost) => post.atMs >= committedMs - CLOCK_SKEW_MS;
  // Within the skew before the commit it may be this post or an earlier one with the same caption.
  if (same.some((post) => post.atMs >= committedMs)) return 'published';
  return posts.some(isNew) ? 'unknown' : 'absent';
}

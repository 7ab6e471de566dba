/**
 * What the rehearsal shows at its end, and what it demands: a table of the
 * phones' own feeds, and the checks with their outcome. Pure but for printing.
 */
import Table from 'cli-table3';
import type { Video } from './home.ts';
import type { Post } from './phones.ts';

export interface PublishedPost extends Post {
  readonly phone: string;
}

export interface Check {
  readonly says: string;
  readonly ok: boolean;
  /** Shown when it does not hold. */
  readonly found?: string;
}

/** Each video exactly once, unharmed, by the right account on the right phone; judged by the phones alone. */
export function checkPosts(videos: readonly Video[], posts: readonly PublishedPost[], homes: ReadonlyMap<string, string>): Check[] {
  const copies = videos.map((video) => ({ video, posts: posts.filter((post) => post.sha256 === video.sha256) }));
  const wrongCount = copies.filter((copy) => copy.posts.length !== 1);
  const strangers = posts.filter((post) => !videos.some((video) => video.sha256 === post.sha256));
  const wrongCaptions = copies.filter(({ video, posts: made }) => made.some((post) => post.caption !== video.caption));
  const wrongPhones = posts.filter((post) => homes.get(post.account) !== post.phone);
  const accountsByPhone = new Map<string, Set<string>>();
  for (const post of posts) accountsByPhone.set(post.phone, (accountsByPhone.get(post.phone) ?? new Set()).add(post.account));
  return [
    {
      says: `${videos.length} videos, each published exactly once`,
      ok: wrongCount.length === 0,
      found: wrongCount.map((copy) => `${copy.video.file}: ${copy.posts.length} times`).join(', '),
    },
    {
      says: "the sha256 on the phone is that of the file, and nothing else is on the phones' feeds",
      ok: strangers.length === 0,
      found: strangers.map((post) => `${post.phone} ${post.account}: ${post.sha256}`).join(', '),
    },
    {
      says: 'every caption arrived character by character (emoji, CJK, line breaks, quotes)',
      ok: wrongCaptions.length === 0 && wrongCount.length === 0,
      found: wrongCaptions
        .map((copy) => `${copy.video.file}: ${JSON.stringify(copy.posts[0]?.caption)} instead of ${JSON.stringify(copy.video.caption)}`)
        .join(', '),
    },
    {
      says: 'each account posted on its own phone',
      ok: wrongPhones.length === 0,
      found: wrongPhones.map((post) => `${post.account} on ${post.phone}`).join(', '),
    },
    {
      says: 'two accounts posted from one phone, switched between posts',
      ok: [...accountsByPhone.values()].some((accounts) => accounts.size >= 2),
      found: [...accountsByPhone].map(([phone, accounts]) => `${phone}: ${[...accounts].join(', ')}`).join('; '),
    },
  ];
}

export function feedTable(videos: readonly Video[], posts: readonly PublishedPost[]): string {
  const plain = { head: [], border: [] };
  const table = new Table({
    head: ['phone', 'account', 'video', 'sha256', 'caption'],
    style: plain,
    colWidths: [10, 10, 16, 14, 50],
    wordWrap: true,
  });
  for (const post of posts) {
    const video = videos.find(({ sha256 }) => sha256 === post.sha256);
    table.push([post.phone, post.account, video?.file ?? '(unknown)', `${post.sha256.slice(0, 10)}…`, post.caption]);
  }
  return table.toString();
}

export function checkLines(checks: readonly Check[]): string {
  return checks.map(({ says, ok, found }) => `  ${ok ? '✓' : '✗'} ${says}${ok || !found ? '' : `\n      found: ${found}`}`).join('\n');
}

/** Guards the rehearsal's judgement (promises 1 and 8 as `npm run demo` shows them): each check can fail. */
import { describe, expect, it } from 'vitest';
import { checkPosts, type PublishedPost } from '../../scripts/demo/report.ts';

const VIDEOS = ['a', 'b', 'c'].map((name) => ({ file: `${name}.mp4`, sha256: name.repeat(64), bytes: 9, caption: `${name} 市場\n"x"` }));
const HOMES = new Map([
  ['alice', 'phone-1'],
  ['bob', 'phone-1'],
  ['carol', 'phone-2'],
]);
const ACCOUNTS = [...HOMES.keys()];

function goodPosts(): PublishedPost[] {
  return VIDEOS.map((video, index) => {
    const account = ACCOUNTS[index] ?? '';
    return { ...video, account, phone: HOMES.get(account) ?? '', time: '2026-11-22T05:00:00Z' };
  });
}

/** Which checks fail, by their place. */
function failing(posts: readonly PublishedPost[]): number[] {
  return checkPosts(VIDEOS, posts, HOMES).flatMap(({ ok }, index) => (ok ? [] : [index]));
}

describe('checkPosts', () => {
  it('is content with each video once, on the right phone', () => {
    expect(failing(goodPosts())).toEqual([]);
  });

  it('finds a video published twice, and one that is missing', () => {
    expect(failing([...goodPosts(), ...goodPosts().slice(2)])).toContain(0);
    expect(failing(goodPosts().slice(0, 2))).toContain(0);
  });

  it('finds bytes that are nobody’s', () => {
    expect(
      failing([
        ...goodPosts(),
        ...goodPosts()
          .slice(2)
          .map((post) => ({ ...post, sha256: 'f'.repeat(64) })),
      ]),
    ).toContain(1);
  });

  it('finds a caption that was changed', () => {
    expect(failing(goodPosts().map((post) => ({ ...post, caption: post.caption.replace('\n', ' ') })))).toContain(2);
  });

  it('finds an account on a phone that is not its own, and a phone that never switched', () => {
    expect(failing(goodPosts().map((post) => ({ ...post, phone: 'phone-1' })))).toContain(3);
    expect(failing(goodPosts().map((post) => ({ ...post, account: 'carol', phone: 'phone-2' })))).toContain(4);
  });
});

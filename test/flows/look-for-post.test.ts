/** Guards promise 1 (a wrong "absent" publishes twice) and promise 2 (a wrong "published" loses a video). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdict } from '../../src/flows/look-for-post.ts';
import { rig } from './rig.ts';

const COMMIT = Date.UTC(2026, 0, 5, 12);
const HOUR = 3_600_000;
const old = (caption: string, hours = 25) => ({ caption, atMs: COMMIT - hours * HOUR });

describe('what a list of posts says', () => {
  it('published: a post with the caption, not older than the commit', () => {
    expect(verdict({ posts: [{ caption: 'x', atMs: COMMIT + 5_000 }], whole: true }, 'x', COMMIT)).toBe('published');
    expect(verdict({ posts: [{ caption: 'x', atMs: COMMIT + 5_000 }, old('y')], whole: false }, 'x', COMMIT)).toBe('published');
  });

  it('absent: a whole list, or one that reaches back to before the commit, with nothing new in it', () => {
    expect(verdict({ posts: [], whole: true }, 'x', COMMIT)).toBe('absent');
    expect(verdict({ posts: [old('x')], whole: true }, 'x', COMMIT)).toBe('absent');
    expect(verdict({ posts: [old('y', 1), old('x', 26)], whole: false }, 'x', COMMIT)).toBe('absent');
  });

  it('unknown: everything between', () => {
    expect(verdict({ posts: [], whole: false }, 'x', COMMIT)).toBe('unknown');
    // The app may have cut the caption.
    expect(verdict({ posts: [{ caption: 'x…', atMs: COMMIT + 5_000 }], whole: true }, 'x', COMMIT)).toBe('unknown');
    // The phone's clock or time zone may be wrong.
    expect(verdict({ posts: [{ caption: 'x', atMs: COMMIT - 6_000 }], whole: true }, 'x', COMMIT)).toBe('unknown');
    expect(verdict({ posts: [old('x', 13)], whole: true }, 'x', COMMIT)).toBe('unknown');
    // The list ends too soon.
    expect(verdict({ posts: [old('y', 1), old('y', 2)], whole: false }, 'x', COMMIT)).toBe('unknown');
    // A pinned old post on top says nothing about the newest ones.
    expect(verdict({ posts: [old('pinned', 500), old('y', 26)], whole: false }, 'x', COMMIT)).toBe('unknown');
    expect(verdict({ posts: [old('x')], whole: true }, 'x', null)).toBe('unknown');
    expect(verdict({ posts: [old('y')], whole: false }, 'x', null)).toBe('unknown');
  });

  it('never says absent while a post from after the commit is on the list', () => {
    const post = fc.record({ caption: fc.constantFrom('x', 'y'), atMs: fc.integer({ min: COMMIT - 48 * HOUR, max: COMMIT + HOUR }) });
    fc.assert(
      fc.property(fc.array(post), fc.boolean(), (posts, whole) => {
        const says = verdict({ posts, whole }, 'x', COMMIT);
        if (posts.some(({ atMs }) => atMs >= COMMIT)) expect(says).not.toBe('absent');
        if (!posts.some(({ caption }) => caption === 'x')) expect(says).not.toBe('published');
      }),
    );
  });
});

describe('a look at the phone', () => {
  it('finds the post on the profile of the account, and posts nothing', async () => {
    const one = rig({ account: 'bob' });
    one.ui.posts.push({ account: 'bob', video: 'v.mp4', caption: one.run.caption, time: new Date(COMMIT + 1_000).toISOString() });
    expect(await one.look(COMMIT)).toBe('published');
    expect(one.ui.posts).toHaveLength(1);
    expect(one.ui.taps).not.toContain('create_button');
  });

  it('does not take another account’s post for ours', async () => {
    const one = rig();
    one.ui.posts.push({ account: 'bob', video: 'v.mp4', caption: one.run.caption, time: new Date(COMMIT + 1_000).toISOString() });
    expect(await one.look(COMMIT)).toBe('absent');
  });

  it('does not say absent while an upload is running', async () => {
    const one = rig();
    one.ui.draw = (nodes) =>
      nodes.some(({ id }) => id.endsWith('feed_list'))
        ? [...nodes, { id: 'demo.video:id/upload_banner', text: 'Uploading…', desc: '', hint: '' }]
        : nodes;
    one.ui.screen = 'profile';
    expect(await one.look(COMMIT)).toBe('unknown');
  });

  it('does not say absent when the list does not fill itself', async () => {
    const one = rig();
    one.ui.draw = (nodes) => nodes.map((node) => (node.id.endsWith('posts_count') ? { ...node, text: '7 posts' } : node));
    expect(await one.look(COMMIT)).toBe('unknown');
    one.ui.draw = (nodes) => nodes.filter((node) => !node.id.endsWith('posts_count'));
    expect(await one.look(COMMIT)).toBe('unknown');
  });
});

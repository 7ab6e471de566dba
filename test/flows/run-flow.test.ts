/**
 * Guards promise 8 (right account, right video, or nothing), promise 4 (blames
 * the right account) and promise 5 (keeps the platform's no).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { node, type Trouble } from './fake-ui.ts';
import { OURS, rig } from './rig.ts';

describe('a post that goes well', () => {
  it('is made once, by the right account, with the right video and caption', async () => {
    const { ui, publish, phases } = rig();
    expect(await publish()).toBeNull();
    expect(ui.posts).toEqual([{ account: 'alice', video: OURS, caption: 'Grüße 👋\n日本', time: expect.any(String) }]);
    expect(phases).toEqual(['identify', 'compose', 'commit', 'confirm']);
    expect(ui.postTaps).toBe(1);
  });

  it('keeps any caption as it is, the empty one and those that look like the app’s own words included', async () => {
    const lines = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', 'Action blocked', 'Your video was posted', 'Log in to Demo', 'Post', '@bob'),
    );
    await fc.assert(
      fc.asyncProperty(lines, async (caption) => {
        const { ui, publish } = rig({ caption });
        expect(await publish()).toBeNull();
        expect(ui.posts.map((post) => post.caption)).toEqual([caption]);
      }),
      { numRuns: 40 },
    );
  });

  it('starts from wherever the app was left', async () => {
    for (const screen of ['feed', 'profile', 'picker', 'compose', 'uploading', 'rejected', 'pick_failed', 'switcher'] as const) {
      const { ui, publish } = rig();
      ui.screen = screen;
      expect(await publish(), screen).toBeNull();
      expect(ui.posts).toHaveLength(1);
    }
  });

  it('dismisses popups before each step, by the allow-listed button only', async () => {
    const { ui, publish } = rig();
    ui.popup = true;
    ui.afterTap = (id) => {
      if (id !== 'popup_dismiss') ui.popup = true;
    };
    expect(await publish()).toBeNull();
    expect(ui.popups).toBeGreaterThan(4);
    expect(ui.taps).not.toContain('popup_accept');
    expect(ui.postTaps).toBe(1);
  });

  it('looks again when a popup came between the look and the tap', async () => {
    const { ui, publish } = rig();
    const came = new Set<string>();
    ui.beforeTap = (id) => {
      if (id === 'post_button' || id.startsWith('popup') || came.has(id)) return;
      came.add(id);
      ui.popup = true;
    };
    expect(await publish()).toBeNull();
    expect(came.size).toBeGreaterThan(2);
    expect(ui.postTaps).toBe(1);
  });

  it('is not taken for done because of a banner of an earlier post', async () => {
    const { ui, publish } = rig();
    ui.posts.push({ account: 'alice', video: 'old.mp4', caption: 'Grüße 👋\n日本', time: '2026-01-01T00:00:00.000Z' });
    ui.banner = true;
    ui.uploadFate = 'lost';
    expect(await publish()).toMatchObject({ code: 'NOT_CONFIRMED' });
  });

  it('does a lost tap before the commit point once more', async () => {
    const { ui, publish } = rig();
    let lost = 0;
    ui.afterTap = (id) => {
      if (id === 'create_button' && lost++ === 0) ui.screen = 'profile';
    };
    expect(await publish()).toBeNull();
    expect(ui.taps.filter((id) => id === 'create_button')).toHaveLength(2);
  });
});

describe('whose account', () => {
  it('switches to another account of the phone and reads the handle again', async () => {
    const { ui, publish } = rig({ account: 'bob' });
    expect(await publish()).toBeNull();
    expect(ui.posts.map(({ account }) => account)).toEqual(['bob']);
  });

  it('posts nothing when the account is not signed in', async () => {
    const one = rig({ account: 'carol' });
    const { ui, publish } = one;
    expect(await publish()).toMatchObject({ code: 'WRONG_ACCOUNT', details: { account: 'carol', found: 'alice' } });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });

  it('does not call an account missing while the switcher is still empty', async () => {
    const { ui, publish } = rig({ account: 'bob' });
    ui.accounts = [];
    expect(await publish()).toMatchObject({ code: 'UNKNOWN_SCREEN' });
  });

  it('posts nothing when the compose screen shows another account than the profile did', async () => {
    const one = rig();
    const { ui, publish } = one;
    ui.draw = (nodes) => nodes.map((one) => (one.id.endsWith('posting_as') ? { ...one, text: '@bob' } : one));
    expect(await publish()).toMatchObject({ code: 'WRONG_ACCOUNT', details: { found: 'bob' } });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });

  it('is on hold for what the app says about it, by type', async () => {
    const types: Record<Trouble, string> = {
      captcha: 'captcha',
      suspended: 'suspended',
      login: 'logged_out',
      action_blocked: 'action_blocked',
      verification: 'verification',
    };
    for (const [trouble, type] of Object.entries(types)) {
      const one = rig();
      const { ui, publish } = one;
      ui.troubles = { alice: trouble as Trouble };
      expect(await publish()).toMatchObject({ code: 'ACCOUNT_SCREEN', details: { account: 'alice', type, what: 'The app says so' } });
      expect([ui.postTaps, one.commits]).toEqual([0, 0]);
    }
  });

  it('is not blamed for the trouble of another account of the phone', async () => {
    const { ui, publish } = rig({ account: 'bob' });
    ui.troubles = { alice: 'suspended' };
    expect(await publish()).toBeNull();
    expect(ui.posts.map(({ account }) => account)).toEqual(['bob']);
  });

  it('is not blamed either when the flow knows no way past the other one’s trouble', async () => {
    const { flow } = rig();
    const { ui, publish } = rig({
      account: 'bob',
      flow: { ...flow, outcomes: flow.outcomes.map((outcome) => ({ ...outcome, leave: null })) },
    });
    ui.troubles = { alice: 'captcha' };
    expect(await publish()).toMatchObject({
      code: 'OTHER_ACCOUNT_SCREEN',
      category: 'configuration',
      details: { account: 'bob', found: 'alice' },
    });
  });
});

describe('which video', () => {
  it('is the pushed one among many, never the first', async () => {
    const { ui, publish } = rig();
    ui.media = ['newest.mp4', `${OURS}.bak.mp4`, OURS, 'oldest.mp4'];
    expect(await publish()).toBeNull();
    expect(ui.posts.map(({ video }) => video)).toEqual([OURS]);
  });

  it('is waited for while the gallery does not list it, and never replaced', async () => {
    const one = rig();
    const { ui, publish } = one;
    ui.media = ['holiday.mp4'];
    expect(await publish()).toMatchObject({ code: 'VIDEO_NOT_LISTED', category: 'infrastructure' });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });

  it('is checked again on the compose screen', async () => {
    const one = rig();
    const { ui, publish } = one;
    ui.afterTap = (id) => {
      if (id === 'picker_name') ui.chosen = 'holiday.mp4';
    };
    expect(await publish()).toMatchObject({ code: 'WRONG_VIDEO' });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });

  it('that the app refuses is the video’s fault, but a refusal left over from before is nobody’s', async () => {
    const { ui, publish } = rig();
    ui.afterTap = (id) => {
      if (id === 'picker_name') ui.screen = 'pick_failed';
    };
    expect(await publish()).toMatchObject({ code: 'REJECTED', category: 'content', details: { type: 'unreadable_video' } });
    expect(ui.postTaps).toBe(0);
  });
});

describe('the caption', () => {
  it('is typed once more when the field lost a character, then given up', async () => {
    const one = rig();
    const { ui, publish } = one;
    ui.takes = (text) => text.slice(1);
    expect(await publish()).toMatchObject({ code: 'CAPTION_CHANGED', category: 'infrastructure' });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });

  it('is read again right before the commit point', async () => {
    const one = rig();
    const { ui, publish } = one;
    let looks = 0;
    ui.draw = (nodes) => {
      if (ui.screen === 'compose' && ui.caption !== '' && looks++ === 2) ui.caption = 'something else';
      return nodes;
    };
    expect(await publish()).toMatchObject({ code: 'CAPTION_CHANGED' });
    expect([ui.postTaps, one.commits]).toEqual([0, 0]);
  });
});

describe('limits', () => {
  it('an unknown screen ends the attempt with the step’s name', async () => {
    const { ui, publish, clock } = rig();
    ui.screen = 'blank';
    expect(await publish()).toMatchObject({ code: 'UNKNOWN_SCREEN', details: { step: 'identify' } });
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000);
    expect(clock.monotonic()).toBeLessThan(62_000);
  });

  it('each step has its own limit', async () => {
    const { ui, publish, clock } = rig();
    ui.afterTap = (id) => {
      if (id === 'create_button') ui.screen = 'blank';
    };
    expect(await publish()).toMatchObject({ code: 'UNKNOWN_SCREEN', details: { step: 'choose the video' } });
    expect(clock.monotonic()).toBeLessThan(32_000);
  });

  it('a phone that never answers ends the attempt', async () => {
    const { ui, publish } = rig();
    ui.source = () => new Promise(() => undefined);
    expect(await publish()).toMatchObject({ code: 'UI_FAILED', details: { sent: 'maybe' } });
  });

  it('a popup that comes back for ever does too', async () => {
    const { ui, publish } = rig();
    ui.popup = true;
    ui.afterTap = () => {
      ui.popup = true;
    };
    expect(await publish()).toMatchObject({ code: 'UNKNOWN_SCREEN' });
  });

  it('an abort ends it at once', async () => {
    const { ui, publish, abort } = rig();
    ui.afterTap = (id) => {
      if (id === 'picker_name') abort.abort(new Error('the scheduler stops'));
    };
    expect(await publish()).toMatchObject({ message: 'the scheduler stops' });
    expect(ui.postTaps).toBe(0);
  });
});

describe('the button that posts', () => {
  it('is refused to every other step by the screen itself', async () => {
    const { flow } = rig();
    const named = { ...flow.elements, popup_dismiss: [{ desc: 'Not now' }] };
    const one = rig({ flow: { ...flow, elements: named } });
    one.ui.popup = true;
    one.ui.draw = (nodes) => (one.ui.popup ? [...nodes, node('post_button', 'Post', 'Not now')] : nodes);
    expect(await one.publish()).toMatchObject({ code: 'BAD_FLOW' });
    expect(one.ui.postTaps).toBe(0);
  });
});

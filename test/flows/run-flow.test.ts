/**
 * Guards promise 8 (right account, right video, or nothing), promise 1 (after
 * the commit point exactly one tap, whatever it answers), promise 4 (blames the
 * right account) and promise 5 (keeps the platform's no).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { node, type Trouble, uiFailure } from './fake-ui.ts';
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

describe('the commit point', () => {
  it('comes when everything is ready: between it and the tap there is no other request', async () => {
    const one = rig();
    const { ui } = one;
    const order: string[] = [];
    one.onCommit = () => void order.push('commit');
    const source = ui.source.bind(ui);
    ui.source = (signal) => {
      order.push('look');
      return source(signal);
    };
    ui.beforeTap = (id) => void order.push(id);
    expect(await one.publish()).toBeNull();
    const at = order.indexOf('commit');
    expect(order.slice(at, at + 2)).toEqual(['commit', 'post_button']);
  });

  it('is not passed when commit() throws: nothing is tapped, and its own error is the answer', async () => {
    const one = rig();
    const refused = new Error('the window has closed');
    one.onCommit = () => {
      throw refused;
    };
    expect(await one.publish()).toBe(refused);
    expect(one.ui.postTaps).toBe(0);
  });

  it('is followed by exactly one tap, also when its answer is lost', async () => {
    for (const text of [
      'socket hang up',
      'timeout of 8000ms exceeded',
      'Request failed with error code UND_ERR_SOCKET',
      'read ECONNRESET',
    ]) {
      const one = rig();
      one.ui.afterTap = (id) => {
        if (id === 'post_button') throw uiFailure('maybe', text);
      };
      const error = await one.publish();
      expect(error).toMatchObject({ code: 'UI_FAILED' });
      expect(error?.proofOfAbsence).toBeUndefined();
      expect(one.ui.postTaps).toBe(1);
      expect(one.commits).toBe(1);
    }
  });

  it('is followed by exactly one tap when the tap is never answered', async () => {
    const one = rig();
    one.ui.afterTap = (id) => (id === 'post_button' ? new Promise<void>(() => undefined) : undefined);
    const error = await one.publish();
    expect(error).toMatchObject({ code: 'UI_FAILED', details: { sent: 'maybe' } });
    expect(error?.proofOfAbsence).toBeUndefined();
    expect(one.ui.postTaps).toBe(1);
  });

  it('is followed by exactly one tap when a popup came between the look and it', async () => {
    const one = rig();
    one.onCommit = () => {
      one.ui.popup = true;
    };
    const error = await one.publish();
    expect(error).toMatchObject({ code: 'UI_FAILED' });
    expect(error?.proofOfAbsence).toBeUndefined();
    expect([one.ui.postTaps, one.ui.posts]).toEqual([1, []]);
  });

  it('is followed by exactly one tap when the app ignores it', async () => {
    const one = rig();
    one.ui.afterTap = (id) => {
      if (id === 'post_button') one.ui.screen = 'compose';
    };
    one.ui.uploadLooks = 0;
    expect(await one.publish()).toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(one.ui.postTaps).toBe(1);
  });

  it('is proven not to have been used only by an error that says so in both ways', async () => {
    const one = rig();
    one.ui.beforeTap = (id) => {
      if (id === 'post_button')
        throw uiFailure(
          'no',
          "'POST /element/1/click' cannot be proxied to UiAutomator2 server because the instrumentation process is not running",
        );
    };
    expect(await one.publish()).toMatchObject({ code: 'UI_FAILED', proofOfAbsence: true });
    expect(one.ui.posts).toEqual([]);
  });
});

describe('the confirmation', () => {
  it('waits for an upload on its own screen and in the background', async () => {
    for (const fate of ['posted', 'background'] as const) {
      const one = rig();
      one.ui.uploadFate = fate;
      one.ui.uploadLooks = 400;
      expect(await one.publish()).toBeNull();
      expect(one.ui.posts).toHaveLength(1);
      expect(one.clock.monotonic()).toBeGreaterThan(60_000);
    }
  });

  it('ends when an upload never does', async () => {
    const one = rig();
    one.ui.uploadLooks = 1_000_000;
    expect(await one.publish()).toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(one.clock.monotonic()).toBeLessThan(185_000);
    expect(one.ui.postTaps).toBe(1);
  });

  it('is not given for a lost upload, soon after it stopped', async () => {
    const one = rig();
    one.ui.uploadFate = 'lost';
    expect(await one.publish()).toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(one.clock.monotonic()).toBeLessThan(30_000);
  });

  it('is not given for a banner without our caption', async () => {
    const one = rig();
    one.ui.draw = (nodes) => nodes.filter(({ id }) => !id.endsWith('feed_caption'));
    expect(await one.publish()).toMatchObject({ code: 'NOT_CONFIRMED' });
  });

  it('says what the app said instead', async () => {
    const rejected = rig();
    rejected.ui.uploadFate = 'rejected';
    const error = await rejected.publish();
    expect(error).toMatchObject({ code: 'REJECTED', details: { what: 'This file format is not supported.' } });
    expect(error?.proofOfAbsence).toBeUndefined();
    const blocked = rig();
    blocked.ui.afterTap = (id) => {
      if (id === 'post_button') blocked.ui.troubles = { alice: 'action_blocked' };
    };
    expect(await blocked.publish()).toMatchObject({ code: 'ACCOUNT_SCREEN', details: { type: 'action_blocked' } });
    expect(blocked.ui.postTaps).toBe(1);
  });

  it('is found behind a popup', async () => {
    const one = rig();
    one.ui.afterTap = (id) => {
      if (id === 'post_button') one.ui.popup = true;
    };
    expect(await one.publish()).toBeNull();
    expect(one.ui.taps.slice(one.ui.taps.indexOf('post_button'))).toEqual(['post_button', 'popup_dismiss']);
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

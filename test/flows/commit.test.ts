/**
 * Guards promise 1: after the commit point exactly one tap, whatever it answers,
 * and nothing but positive proof counts as published.
 */
import { describe, expect, it } from 'vitest';
import { node, uiFailure } from './fake-ui.ts';
import { rig } from './rig.ts';

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
      one.ui.uploadLooks = 100;
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

  it('is not given for an older banner while the upload still runs', async () => {
    const one = rig();
    one.ui.uploadFate = 'background';
    one.ui.uploadLooks = 1_000_000;
    const old = [node('posted_banner', 'Your video was posted'), node('feed_caption', one.run.caption)];
    one.ui.draw = (nodes) => (one.ui.postTaps > 0 ? [...nodes, ...old] : nodes);
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

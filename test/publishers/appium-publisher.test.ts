/**
 * Guards promises 6 and 8 around the flow: the bytes that were queued go to the
 * phone, everything that was started ends, and no clean-up changes the outcome.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { UiFactory } from '../../src/appium/appium.ts';
import type { ConnectedDevice } from '../../src/devices/device.ts';
import { SchedulerError } from '../../src/errors.ts';
import { flowEngine } from '../../src/flows/flow-engine.ts';
import { flowsIn } from '../../src/flows/load-flow.ts';
import { AppiumPublisher } from '../../src/publishers/appium-publisher.ts';
import { remoteName } from '../../src/publishers/video-file.ts';
import { FakeUi, uiFailure } from '../flows/fake-ui.ts';
import { FLOWS } from '../flows/rig.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { attempt, jobOf } from './context.ts';
import { publisherContract } from './contract.ts';

const VIDEO = join(import.meta.dirname, '../fixtures/videos/good.mp4');

class FakeDevice implements ConnectedDevice {
  readonly id = 'phone-1';
  readonly serial = 'phone-1';
  readonly adbPort = 0;
  readonly files = new Map<string, string>();
  readonly done: string[] = [];
  readonly ui: FakeUi;
  alive = true;
  version: string | null = '2.1';
  onRemove: () => Promise<void> = async () => undefined;

  constructor(ui: FakeUi) {
    this.ui = ui;
  }

  async identity(): Promise<null> {
    return null;
  }

  async ping(): Promise<void> {
    this.done.push('ping');
    if (!this.alive) throw new SchedulerError('DEVICE_OFFLINE', { details: { device: this.id, text: 'gone' } });
  }

  async appVersion(name: string): Promise<string | null> {
    this.done.push(`version of ${name}`);
    return this.version;
  }

  async pushVideo(video: { readonly path: string; readonly sha256: string; readonly name: string }): Promise<string> {
    this.done.push('push');
    this.files.set(`/sdcard/DCIM/${video.name}`, video.sha256);
    this.ui.media.unshift(video.name);
    return `/sdcard/DCIM/${video.name}`;
  }

  async removeVideo(pathOrName: string): Promise<void> {
    await this.onRemove();
    this.files.delete(pathOrName.includes('/') ? pathOrName : `/sdcard/DCIM/${pathOrName}`);
  }
}

function world() {
  const ui = new FakeUi();
  const clock = new VirtualClock();
  ui.media = ['holiday.mp4'];
  ui.nowIso = () => new Date(clock.now()).toISOString();
  const device = new FakeDevice(ui);
  const opened: string[] = [];
  const factory: { open: UiFactory['open'] } = {
    open: async (on) => {
      opened.push(on.id);
      return ui;
    },
  };
  const publisher = new AppiumPublisher({
    devices: async () => device,
    ui: factory,
    flows: flowsIn([FLOWS]),
    engine: flowEngine,
    clock,
    settleMs: 20_000,
  });
  const publish = async (job = jobOf(VIDEO), one = attempt()) =>
    clock.run(publisher.publish(job, one.ctx)).then(
      () => null,
      (error: Error & { code?: string }) => error,
    );
  return { ui, clock, device, opened, factory, publisher, publish };
}

publisherContract('an app on a phone', async () => {
  const { ui, clock, publisher } = world();
  return {
    publisher,
    job: jobOf(VIDEO),
    acts: () => ui.postTaps,
    run: (work) => clock.run(work),
    loseAnswer: () => {
      ui.afterTap = (id) => {
        if (id === 'post_button') throw uiFailure('maybe', 'socket hang up');
      };
    },
  };
});

describe('publishing through an app', () => {
  it('goes through its phases and leaves nothing behind', async () => {
    const { ui, device, publish, opened } = world();
    const one = attempt();
    const job = jobOf(VIDEO);
    expect(await publish(job, one)).toBeNull();
    expect(one.phases).toEqual(['prepare', 'push', 'open', 'identify', 'compose', 'commit', 'confirm', 'cleanup']);
    expect(ui.posts).toEqual([{ account: 'alice', video: remoteName(job), caption: job.caption, time: expect.any(String) }]);
    expect([ui.closed, device.files.size, opened]).toEqual([1, 0, ['phone-1']]);
    expect(one.evidence.size).toBe(0);
  });

  it("tells the version of the flow's app, and does without it", async () => {
    const { device, publish } = world();
    const [one, other] = [attempt(), attempt()];
    expect(await publish(jobOf(VIDEO), one)).toBeNull();
    expect(one.versions).toEqual(['2.1']);
    expect(device.done).toContain('version of demo.video');
    device.appVersion = () => Promise.reject(new Error('adb is slow'));
    expect(await publish(jobOf(VIDEO, { id: 'j2' }), other)).toBeNull();
    expect(other.versions).toEqual([]);
  });

  it('keeps the screen when it fails, and cleans up all the same', async () => {
    const { ui, device, publish } = world();
    ui.troubles = { alice: 'captcha' };
    const one = attempt();
    expect(await publish(jobOf(VIDEO), one)).toMatchObject({ code: 'ACCOUNT_SCREEN' });
    expect([...one.evidence.keys()].sort()).toEqual(['screen.png', 'source.xml']);
    expect(new TextDecoder().decode(one.evidence.get('source.xml'))).toContain('captcha_screen');
    expect([ui.closed, device.files.size]).toEqual([1, 0]);
    // The phase that is kept is the one that failed.
    expect(one.phases.at(-1)).toBe('identify');
  });

  it('cleans up after an abort too', async () => {
    const { ui, device, publish } = world();
    const one = attempt();
    ui.afterTap = (id) => {
      if (id === 'picker_name') one.abort.abort(new Error('the lease is lost'));
    };
    expect(await publish(jobOf(VIDEO), one)).toMatchObject({ message: 'the lease is lost' });
    expect([ui.closed, device.files.size, ui.postTaps]).toEqual([1, 0, 0]);
  });

  it('leaves the video there while an upload may be reading it, and takes it away once a look has settled the post', async () => {
    const { ui, clock, device, publish, publisher } = world();
    ui.afterTap = (id) => {
      if (id === 'post_button') throw uiFailure('maybe', 'socket hang up');
    };
    const job = jobOf(VIDEO, { committed_ms: clock.now() });
    expect(await publish(job)).toMatchObject({ code: 'UI_FAILED' });
    expect([ui.closed, device.files.size]).toEqual([1, 1]);
    expect(await clock.run(publisher.verify(job, attempt().ctx))).toBe('published');
    expect(device.files.size).toBe(0);
  });

  it('takes it away at once when the tap was provably not sent', async () => {
    const { ui, device, publish } = world();
    ui.beforeTap = (id) => {
      if (id === 'post_button') throw uiFailure('no', 'A session is either terminated or not started');
    };
    expect(await publish()).toMatchObject({ proofOfAbsence: true });
    expect(device.files.size).toBe(0);
  });

  it('is not undone by a clean-up that fails or hangs', async () => {
    for (const onRemove of [() => Promise.reject(new Error('adb: error')), () => new Promise<void>(() => undefined)]) {
      const { device, publish, clock } = world();
      device.onRemove = onRemove;
      const one = attempt();
      expect(await publish(jobOf(VIDEO), one)).toBeNull();
      expect(one.log.some((line) => line.startsWith('warn the pushed video stays on the phone'))).toBe(true);
      expect(clock.monotonic()).toBeLessThan(40_000);
    }
  });

  it('reports the first error, not that of the evidence', async () => {
    const { ui, publish, clock } = world();
    ui.screen = 'blank';
    ui.screenshot = () => new Promise(() => undefined);
    expect(await publish()).toMatchObject({ code: 'UNKNOWN_SCREEN' });
    expect(clock.monotonic()).toBeLessThan(75_000);
  });

  it('ends the session that was being opened when the video cannot be pushed', async () => {
    const { ui, device, publish } = world();
    device.pushVideo = async () => {
      throw new SchedulerError('PHONE_FULL', { details: { device: 'phone-1' } });
    };
    const one = attempt();
    expect(await publish(jobOf(VIDEO), one)).toMatchObject({ code: 'PHONE_FULL' });
    expect([ui.closed, one.phases.at(-1)]).toEqual([1, 'push']);
  });

  it('takes the video away when no session can be opened', async () => {
    const { device, publish, factory } = world();
    factory.open = () => Promise.reject(new SchedulerError('SESSION_FAILED', { details: { device: 'phone-1', text: 'no' } }));
    const one = attempt();
    expect(await publish(jobOf(VIDEO), one)).toMatchObject({ code: 'SESSION_FAILED' });
    expect([device.files.size, one.phases.at(-1)]).toEqual([0, 'open']);
  });

  it('does not touch the phone for a video that changed or is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'video-'));
    try {
      const path = join(folder, 'v.mp4');
      writeFileSync(path, 'one');
      const job = jobOf(path);
      writeFileSync(path, 'two');
      const changed = world();
      expect(await changed.publish(job)).toMatchObject({ code: 'VIDEO_CHANGED', category: 'content' });
      rmSync(path);
      const missing = world();
      expect(await missing.publish(job)).toMatchObject({ code: 'VIDEO_MISSING', category: 'configuration' });
      expect([changed.device.done, missing.device.done]).toEqual([[], []]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what is missing before it starts', async () => {
    const { publish, device, opened } = world();
    expect(await publish(jobOf(VIDEO, { app: 'tiktok' }))).toMatchObject({ code: 'UNKNOWN_APP' });
    expect(await publish(jobOf(VIDEO, { device: null }))).toMatchObject({ code: 'PHONE_NOT_FOUND' });
    device.alive = false;
    expect(await publish()).toMatchObject({ code: 'DEVICE_OFFLINE' });
    expect([opened, device.files.size]).toEqual([[], 0]);
  });
});

describe('the name of the pushed file', () => {
  const named = (change: object) => remoteName({ ...jobOf(VIDEO), ...change });
  it('is one attempt’s alone and safe everywhere', () => {
    const names = [named({}), named({ attempt: 2 }), named({ id: 'j2' }), named({ id: 'a b"$(x)/../é' })];
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9-]+\.mp4$/);
  });
});

describe('a look for an uncertain post', () => {
  const COMMIT = new VirtualClock().now();
  const job = jobOf(VIDEO, { committed_ms: COMMIT });

  it('believes "absent" only twice, with time to settle between', async () => {
    const { ui, clock, publisher } = world();
    expect(await clock.run(publisher.verify(job, attempt().ctx))).toBe('absent');
    expect(clock.monotonic()).toBeGreaterThanOrEqual(20_000);
    expect(ui.closed).toBe(1);
  });

  it('sees a post that appears in between', async () => {
    const { ui, clock, publisher } = world();
    const looking = publisher.verify(job, attempt().ctx);
    void clock.untilWaiting('the app of alice settles').then(() => {
      ui.posts.push({ account: 'alice', video: 'v', caption: job.caption, time: new Date(COMMIT + 9_000).toISOString() });
    });
    expect(await clock.run(looking)).toBe('published');
    expect(ui.postTaps).toBe(0);
  });

  it('throws, with evidence, when the app shows trouble of the account', async () => {
    const { ui, clock, publisher } = world();
    ui.troubles = { alice: 'login' };
    const one = attempt();
    await expect(clock.run(publisher.verify(job, one.ctx))).rejects.toMatchObject({ code: 'ACCOUNT_SCREEN' });
    expect([one.evidence.size, ui.closed]).toEqual([2, 1]);
  });
});

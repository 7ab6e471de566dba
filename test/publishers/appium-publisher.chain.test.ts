/**
 * Guards promises 1, 4 and 8 on the real chain: webdriverio, Appium, the
 * UiAutomator2 driver and adb are real, only the phone is simulated. What was
 * published is what the phone's ledger says.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WdioUiFactory } from '../../src/appium/wdio-ui.ts';
import { Adb } from '../../src/devices/adb.ts';
import { NetworkDevices } from '../../src/devices/network.ts';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { flowEngine } from '../../src/flows/flow-engine.ts';
import { flowsIn } from '../../src/flows/load-flow.ts';
import { AppiumPublisher } from '../../src/publishers/appium-publisher.ts';
import type { PublishJob } from '../../src/publishers/publisher.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { FLOWS } from '../flows/rig.ts';
import { type Chain, startChain } from '../phone/chain.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { type Attempt, attempt, jobOf } from './context.ts';

const CAPTION = 'Größe 👩‍👩‍👧 "quoted" <b>&amp;</b>\n日本語の説明 #タグ\n\n  two  spaces — end 🎬';
const quiet = new MemoryLogger();

describe('a post on the real chain', () => {
  const clock = new SystemClock();
  let chain: Chain;
  let phone: SimulatedPhone;
  let publisher: AppiumPublisher;
  let count = 0;

  beforeAll(async () => {
    chain = await startChain();
    phone = await chain.phone({ name: 'phone-1', accounts: ['alice', 'bob'], signedIn: 'alice' });
    const server = { ensure: async () => undefined, doubt: () => undefined }; // the chain's own runs already
    const adb = new Adb({ path: 'adb', port: chain.adbPort, instance: 'chain test', environment: chain.env, clock, server });
    const network = new NetworkDevices({
      kind: 'simulated',
      phones: [{ name: 'phone-1', address: phone.adbAddress }],
      adb,
      clock,
      logger: quiet,
    });
    const demo = flowsIn([FLOWS])('demo');
    publisher = new AppiumPublisher({
      devices: (id, signal) => network.connect(id, signal),
      ui: new WdioUiFactory({ server: { url: chain.appiumUrl }, clock, logger: quiet }),
      // An upload that stopped need not be waited for as long as on a real phone.
      flows: () => ({ ...demo, confirm: { ...demo.confirm, quietMs: 1_500 } }),
      engine: flowEngine,
      clock,
      settleMs: 500,
    });
  });
  afterEach(() => phone.clearFaults());
  afterAll(() => chain.stop());

  function newJob(account: string, change: Partial<PublishJob> = {}): PublishJob {
    count += 1;
    const path = join(chain.folder, `video-${count}.mp4`);
    writeFileSync(path, randomBytes(200_000));
    return jobOf(path, { id: `j${count}`, account, caption: `${CAPTION} ${count}`, ...change });
  }

  async function publish(job: PublishJob, one: Attempt = attempt()): Promise<(Error & { code?: string; proofOfAbsence?: boolean }) | null> {
    return publisher.publish(job, one.ctx).then(
      () => null,
      (error: Error) => error,
    );
  }

  const postsOf = (job: PublishJob) => phone.ledger().filter(({ sha256 }) => sha256 === job.video.sha256);
  const asMade = ({ account, caption, video }: PublishJob) => [expect.objectContaining({ account, caption, sha256: video.sha256 })];

  it('goes out once for each of two accounts, switched between the posts, and leaves nothing on the phone', async () => {
    for (const account of ['alice', 'bob', 'alice']) {
      const job = newJob(account);
      expect(await publish(job)).toBeNull();
      expect(postsOf(job)).toEqual(asMade(job));
    }
    expect(phone.state()).toMatchObject({ sessions: [], media: [] });
    const files = await chain.adb('-s', phone.adbAddress, 'shell', 'ls /sdcard/Movies/posting-scheduler');
    expect(files.stdout.trim()).toBe('');
  });

  it('is not disturbed by a popup and by another account’s trouble', async () => {
    phone.setFault({ name: 'suspended', account: 'alice' });
    phone.setFault({ name: 'popup', on: 'tap:Create' });
    const job = newJob('bob');
    expect(await publish(job)).toBeNull();
    expect(postsOf(job)).toEqual(asMade(job));
  });

  it('is not made for an account in trouble, nor for one that is not signed in', async () => {
    phone.setFault({ name: 'captcha', account: 'alice' });
    const one = attempt();
    const job = newJob('alice');
    expect(await publish(job, one)).toMatchObject({
      code: 'ACCOUNT_SCREEN',
      details: { account: 'alice', type: 'captcha', what: 'Confirm you are human' },
    });
    expect([...one.evidence.keys()].sort()).toEqual(['screen.png', 'source.xml']);
    expect([...(one.evidence.get('screen.png') ?? [])].slice(1, 4)).toEqual([...Buffer.from('PNG')]);
    phone.clearFaults();
    const stranger = newJob('carol');
    expect(await publish(stranger)).toMatchObject({ code: 'WRONG_ACCOUNT' });
    expect([...postsOf(job), ...postsOf(stranger)]).toEqual([]);
  });

  it('is made once when the answer to the tap is lost, and a look finds it', async () => {
    phone.setFault({ name: 'uia2_answer_lost', on: 'tap:Post', once: true });
    const job = newJob('bob');
    const one = attempt();
    const committed_ms = clock.now();
    const error = await publish(job, one);
    expect(error).toMatchObject({ code: 'UI_FAILED', details: { sent: 'maybe' } });
    expect(error?.proofOfAbsence).toBeUndefined();
    expect(one.commits).toBe(1);
    phone.clearFaults();
    // The upload was still reading the video when the attempt let go.
    await expect.poll(() => postsOf(job)).toEqual(asMade(job));
    expect(await publisher.verify({ ...job, committed_ms }, attempt().ctx)).toBe('published');
    expect(phone.state().media).toEqual([]);
  });

  it('is proven not to have been made when the phone’s server was dead before the tap', async () => {
    const job = newJob('alice');
    const one = attempt();
    one.onCommit = async () => {
      phone.setFault({ name: 'uia2_die' });
      // The driver notices with a request of its own, a moment later.
      await expect.poll(() => phone.state().uia2Running).toBe(false);
    };
    const error = await publish(job, one);
    expect(postsOf(job)).toEqual([]);
    expect(error).toBeInstanceOf(Error);
    // Either the driver knew (proof), or its line broke (doubt): both are honest, a success is not.
    if (error?.proofOfAbsence !== true) expect(error).toMatchObject({ code: 'UI_FAILED', details: { sent: 'maybe' } });
  });

  it('that the app lost is not confirmed, and a look says absent', async () => {
    phone.setFault({ name: 'upload_lost' });
    const job = newJob('alice');
    const committed_ms = clock.now();
    expect(await publish(job)).toMatchObject({ code: 'NOT_CONFIRMED' });
    // The clocks' tolerance must not reach back to the posts of the tests before.
    const later = committed_ms + 10 * 60_000;
    expect(await publisher.verify({ ...job, committed_ms: later }, attempt().ctx)).toBe('absent');
    expect(postsOf(job)).toEqual([]);
  });
});

// Promises 1 and 8 are judged by this phone's ledger, so the ledger itself must be exact: bytes, caption, account, one tap one post.
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { type Chain, type ChainDriver, startChain } from './chain.ts';

const CAPTION = 'Größe 👩‍👩‍👧 "quoted" <b>&amp;</b>\n日本語の説明 #タグ\n\n  two  spaces — end 🎬';

describe('a post through webdriverio, Appium, UiAutomator2 and adb', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain();
  });
  afterAll(() => chain.stop());

  async function pushVideo(phone: SimulatedPhone, name: string): Promise<string> {
    const bytes = randomBytes(1_500_000);
    const local = join(chain.folder, name);
    writeFileSync(local, bytes);
    await chain.adb('-s', phone.adbAddress, 'push', local, `/sdcard/DCIM/${name}`);
    await chain.adb('-s', phone.adbAddress, 'shell', `content call --uri content://media --method scan_file --arg /sdcard/DCIM/${name}`);
    return createHash('sha256').update(bytes).digest('hex');
  }

  async function compose(driver: ChainDriver, name: string): Promise<void> {
    await driver.activateApp('demo.video');
    await driver.$('~Create').click();
    await driver.$(`//*[@resource-id="demo.video:id/picker_name" and @text="${name}"]`).click();
    expect(await driver.$('id=demo.video:id/selected_name').getText()).toBe(name);
    await driver.$('id=demo.video:id/caption_input').setValue(CAPTION);
  }

  it('publishes the picked bytes with the exact caption, once, from the account in front', async () => {
    const phone = await chain.phone({ accounts: ['alice', 'bob'], signedIn: 'bob' });
    await pushVideo(phone, 'older.mp4');
    const sha256 = await pushVideo(phone, 'wanted.mp4');
    await pushVideo(phone, 'newer.mp4');
    const driver = await chain.session(phone);
    await driver.activateApp('demo.video');
    expect(await driver.$('id=demo.video:id/account_handle').getText()).toBe('@bob');
    await driver.$('id=demo.video:id/account_handle').click();
    await driver.$('android=new UiSelector().text("@alice").clickable(true)').click();
    await compose(driver, 'wanted.mp4');
    expect(await driver.$('id=demo.video:id/caption_input').getText()).toBe(CAPTION);
    await driver.$('~Post').click();
    await driver.$('id=demo.video:id/posted_banner').waitForDisplayed({ timeout: 5_000 });

    expect(phone.ledger()).toEqual([
      {
        account: 'alice',
        sha256,
        bytes: 1_500_000,
        caption: CAPTION,
        file: '/storage/emulated/0/DCIM/wanted.mp4',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    expect(await (await fetch(`${phone.controlUrl}/ledger`)).json()).toEqual(phone.ledger());
    await driver.$('~Profile').click();
    expect(await driver.$('id=demo.video:id/post_caption').getText()).toBe(CAPTION);
    // One tap was one request.
    expect(phone.requests().find(({ label }) => label === 'tap:Post')?.count).toBe(1);
    // Whoever looks at evidence can open it.
    expect(
      Buffer.from(await driver.takeScreenshot(), 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect(await driver.getPageSource()).toContain('demo.video:id/post_caption');
    await driver.deleteSession();
    expect(phone.state()).toMatchObject({ sessions: [], uia2Running: false });
  });

  it('makes the post when the answer to the tap is lost, and a client that asks again does not hear of it', async () => {
    const phone = await chain.phone();
    await pushVideo(phone, 'lost.mp4');
    const driver = await chain.session(phone);
    await compose(driver, 'lost.mp4');
    phone.setFault({ name: 'uia2_answer_lost', on: 'tap:Post', once: true });
    const { elementId } = await driver.$('~Post').getElement();
    await expect(driver.elementClick(elementId)).rejects.toThrow('socket hang up');
    await expect.poll(() => phone.ledger().length).toBe(1);
    await driver.deleteSession();
  });

  it('does not make the post when the connection drops before the tap is carried out', async () => {
    const phone = await chain.phone();
    await pushVideo(phone, 'drop.mp4');
    const driver = await chain.session(phone);
    await compose(driver, 'drop.mp4');
    phone.setFault({ name: 'drop', on: 'tap:Post' });
    const { elementId } = await driver.$('~Post').getElement();
    await expect(driver.elementClick(elementId)).rejects.toThrow('socket hang up');
    expect(phone.requests().find(({ label }) => label === 'tap:Post')?.count).toBe(1);
    expect(phone.state().screen).toBe('compose');
    expect(phone.ledger()).toEqual([]);
  });
});

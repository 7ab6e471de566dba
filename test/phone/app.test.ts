// Promises 4, 5 and 8: the demo app's troubles, popups and uploads are what a flow must tell apart; each shows as documented and posts nothing by itself.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoApp } from '../../src/devices/simulated/demo-app.ts';
import { Faults, TROUBLES } from '../../src/devices/simulated/faults.ts';
import { Ledger } from '../../src/devices/simulated/ledger.ts';
import { Phone } from '../../src/devices/simulated/phone.ts';
import { PhoneFiles } from '../../src/devices/simulated/phone-files.ts';
import { shortId, tapTarget, walk } from '../../src/devices/simulated/ui-node.ts';
import { pageSource, selectByXPath } from '../../src/devices/simulated/ui-xpath.ts';
import { SystemClock } from '../../src/runtime/clock.ts';

describe('the demo app', () => {
  let folder: string;
  let phone: Phone;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'phone-app-'));
    start();
  });
  afterEach(async () => {
    phone.faults.clear();
    await phone.app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(uploadMs = 1): void {
    const files = new PhoneFiles(folder);
    const ledger = new Ledger(folder);
    const faults = new Faults(() => undefined);
    const app = new DemoApp({ accounts: ['alice', 'bob'], signedIn: 'alice', files, ledger, faults, clock: new SystemClock(), uploadMs });
    phone = new Phone({ files, ledger, faults, app, serial: 'SIM-1', newId: () => 'boot' });
    phone.open('demo.video');
  }

  const ids = (): string[] => [...walk(phone.screen())].map(shortId);
  const textOf = (id: string): string | undefined => [...walk(phone.screen())].find((node) => shortId(node) === id)?.text;
  function tap(id: string, text?: string): void {
    const root = phone.screen();
    const node = [...walk(root)].find((one) => shortId(one) === id && (text === undefined || one.text === text));
    const target = node && tapTarget(root, node.key);
    if (!target) throw new Error(`no ${id} ${text ?? ''} on ${ids().join(' ')}`);
    phone.tap(target);
  }
  function addVideo(name: string): string {
    const path = phone.files.local(`/sdcard/DCIM/${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `bytes of ${name}`);
    phone.files.scan(`/sdcard/DCIM/${name}`, 1);
    return createHash('sha256').update(`bytes of ${name}`).digest('hex');
  }
  function compose(name: string, caption: string): void {
    tap('create_button');
    tap('picker_name', name);
    const input = [...walk(phone.screen())].find((node) => shortId(node) === 'caption_input');
    if (input) phone.app.type(input, caption, true);
  }

  it('lists the gallery newest first and publishes the one that was picked', async () => {
    addVideo('a.mp4');
    const sha256 = addVideo('b.mp4');
    addVideo('c.mp4');
    tap('create_button');
    expect([...walk(phone.screen())].filter((node) => shortId(node) === 'picker_name').map(({ text }) => text)).toEqual([
      'c.mp4',
      'b.mp4',
      'a.mp4',
    ]);
    tap('picker_close');
    compose('b.mp4', 'hello\nthere');
    expect(textOf('posting_as')).toBe('@alice');
    expect(textOf('selected_name')).toBe('b.mp4');
    tap('post_button');
    expect(textOf('upload_hint')).toBe('Keep Demo open to finish posting…');
    await expect.poll(() => textOf('posted_banner')).toBe('Your video was posted');
    expect(phone.ledger.entries()).toMatchObject([{ account: 'alice', sha256, caption: 'hello\nthere' }]);
    expect(new Ledger(folder).entries()).toEqual(phone.ledger.entries());
  });

  it('keeps its ledger readable after a kill in the middle of an append', () => {
    const entry = { account: 'alice', sha256: 'ab', bytes: 1, caption: 'é\n日', time: '2026-01-01T00:00:00.000Z', file: '/x.mp4' };
    writeFileSync(join(folder, 'ledger.jsonl'), `${JSON.stringify(entry)}\n{"account":"bo`);
    new Ledger(folder).append({ ...entry, account: 'bob' });
    expect(new Ledger(folder).entries()).toEqual([entry, { ...entry, account: 'bob' }]);
  });

  it('shows the posts of one account only on its profile, whole captions, newest first', async () => {
    addVideo('a.mp4');
    for (const [account, caption] of [
      ['alice', 'one\n1'],
      ['bob', 'two'],
      ['alice', 'three'],
    ] as const) {
      tap('account_handle');
      tap('switcher_entry', `@${account}`);
      compose('a.mp4', caption);
      tap('post_button');
      await expect.poll(() => phone.app.screen).toBe('feed');
    }
    tap('tab_profile');
    expect(textOf('profile_handle')).toBe('@alice');
    expect([...walk(phone.screen())].filter((node) => shortId(node) === 'post_caption').map(({ text }) => text)).toEqual([
      'three',
      'one\n1',
    ]);
    expect(selectByXPath(phone.screen(), '//*[@text="one\n1"]', null)).toEqual(['post_caption/0']);
    expect(pageSource(phone.screen())).toContain('one&#10;1');
  });

  it.each(TROUBLES)('shows %s for its account only, and a way to the others', (name) => {
    phone.faults.set({ name, account: 'alice' });
    expect(phone.app.screen).toBe(name);
    expect(textOf('trouble_account')).toBe('@alice');
    expect(ids()).not.toContain('create_button');
    tap('trouble_switch');
    tap('switcher_entry', '@bob');
    expect(textOf('account_handle')).toBe('@bob');
    expect(ids()).toContain('create_button');
  });

  it('hides the screen behind a popup until it is dismissed', () => {
    phone.faults.set({ name: 'popup' });
    expect(ids()).toContain('popup_dialog');
    expect(ids()).not.toContain('feed_list');
    tap('popup_dismiss');
    expect(ids()).toContain('feed_list');
    expect(phone.faults.list()).toEqual([]);
  });

  it('posts nothing when the upload is lost, refused, ended with the app or without a file', async () => {
    for (const name of ['upload_lost', 'upload_rejected'] as const) {
      addVideo('a.mp4');
      phone.faults.set({ name, once: true });
      compose('a.mp4', 'x');
      tap('post_button');
      await expect.poll(() => phone.app.screen).toBe(name === 'upload_lost' ? 'feed' : 'rejected');
      expect(ids()).not.toContain('posted_banner');
      phone.forceStop('demo.video');
      phone.open('demo.video');
    }
    phone.faults.set({ name: 'upload_stuck' });
    compose('a.mp4', 'x');
    tap('post_button');
    phone.forceStop('demo.video');
    phone.open('demo.video');
    phone.faults.clear();
    compose('a.mp4', 'the only one');
    tap('post_button');
    await expect.poll(() => phone.app.screen).toBe('feed');
    phone.files.remove('/sdcard/DCIM/a.mp4', false);
    tap('create_button');
    tap('picker_name', 'a.mp4');
    expect(phone.app.screen).toBe('pick_failed');
    expect(phone.ledger.entries().map(({ caption }) => caption)).toEqual(['the only one']);
  });

  it('posts late when a stuck upload is freed, and in the background when that was asked for', async () => {
    addVideo('a.mp4');
    phone.faults.set({ name: 'upload_stuck' });
    compose('a.mp4', 'late');
    tap('post_button');
    phone.back();
    expect(ids()).toContain('upload_banner');
    expect(phone.ledger.entries()).toEqual([]);
    phone.faults.clear();
    await expect.poll(() => phone.ledger.entries().length).toBe(1);
    phone.faults.set({ name: 'upload_slow', ms: 50, background: true, once: true });
    compose('a.mp4', 'behind');
    tap('post_button');
    phone.forceStop('demo.video');
    await expect.poll(() => phone.ledger.entries().length).toBe(2);
  });
});

describe('fault switches', () => {
  it('strike at the request they name, after as many as they let pass, and once if so told', () => {
    const faults = new Faults(() => undefined);
    faults.set({ name: 'uia2_hang', on: 'tap:Post', after: 1, once: true });
    const see = (label: string): boolean => {
      faults.strike(faults.due('ui', [label]));
      return faults.take('uia2_hang') !== null;
    };
    expect(['tap:Create', 'tap:Post', 'find:x', 'tap:Post', 'tap:Post'].map(see)).toEqual([false, false, false, true, false]);
  });

  it('without a name count any UI request and no shell command', () => {
    const faults = new Faults(() => undefined);
    faults.set({ name: 'uia2_die', after: 1 });
    expect(faults.due('adb', ['shell:ls'])).toEqual([]);
    expect(faults.due('ui', ['source'])).toEqual([]);
    expect(faults.due('ui', ['source'])).toHaveLength(1);
  });
});

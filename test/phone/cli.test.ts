// Promise 6 for the phone itself: it ends when told to, leaves nothing running, and its ledger outlives it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ENTRY = fileURLToPath(new URL('./entry.ts', import.meta.url));

describe('scheduler-phone', () => {
  let folder: string;
  let children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'phone-cli-'));
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(...args: string[]): Promise<{ child: ChildProcess; ready: { name: string; adb: string; control: string } }> {
    const child = spawn(process.execPath, [ENTRY, '--name', 'p', '--accounts', 'alice,bob', '--dir', folder, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return { child, ready: JSON.parse(line.toString('utf8')) };
  }

  async function finished(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, out, err };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('says where it listens and ends cleanly by %s', async (signal) => {
    const { child, ready } = await start('--signed-in', 'bob');
    expect(ready).toEqual({
      name: 'p',
      adb: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      control: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });
    expect(await (await fetch(`${ready.control}/state`)).json()).toMatchObject({
      account: 'bob',
      accounts: ['alice', 'bob'],
      sessions: [],
      media: [],
    });
    const exited = once(child, 'exit');
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
    await expect(fetch(`${ready.control}/state`)).rejects.toThrow();
  });

  it('ends with its parent when that was asked for', async () => {
    const { child } = await start('--with-parent');
    const exited = once(child, 'exit');
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });

  it('keeps its ledger across restarts, without a line that a kill cut short', async () => {
    const entry = { account: 'alice', sha256: 'ab', bytes: 1, caption: 'é\n日', time: '2026-01-01T00:00:00.000Z', file: '/x.mp4' };
    writeFileSync(join(folder, 'ledger.jsonl'), `${JSON.stringify(entry)}\n{"account":"bo`);
    const { ready } = await start();
    expect(await (await fetch(`${ready.control}/ledger`)).json()).toEqual([entry]);
  });

  it('takes and clears faults over HTTP, and refuses unknown ones with a list', async () => {
    const { ready } = await start();
    const post = (body: unknown) => fetch(`${ready.control}/faults`, { method: 'POST', body: JSON.stringify(body) });
    expect(await (await post({ name: 'popup', on: 'tap:Post' })).json()).toEqual([{ name: 'popup', on: 'tap:Post', active: false }]);
    const refused = await post({ name: 'nonsense' });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toMatch(/unknown fault .*nonsense.*known: drop, offline/);
    expect((await post({ name: 'popup', when: 'now' })).status).toBe(400);
    expect(await (await fetch(`${ready.control}/faults`, { method: 'DELETE' })).json()).toEqual([]);
  });

  it('explains itself, and says in one line what is wrong with its arguments', async () => {
    const help = await finished(['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toMatch(/--with-parent[\s\S]*upload_lost/);
    expect(await finished([])).toMatchObject({
      code: 2,
      err: 'scheduler-phone: name its accounts: --accounts alice,bob (see scheduler-phone --help)\n',
    });
    expect(await finished(['--accounts', 'a', '--port', 'x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--port takes a whole number'),
    });
    expect((await finished(['--accounts', 'a', '--nonsense'])).code).toBe(2);
    expect(await finished(['--accounts', 'a', '--signed-in', 'b', '--dir', folder])).toMatchObject({
      code: 1,
      err: 'scheduler-phone: the phone has no account "b"\n',
    });
  });
});

/** Guards promise 7 and design section 7: an order reaches the running daemon or its giver is told why not, within a limit; and nobody else can give one. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlAddress } from '../../src/control/address.ts';
import { daemonListens, sendCommand } from '../../src/control/client.ts';
import { MAX_MESSAGE_BYTES, readReply, readRequest, requestLine } from '../../src/control/messages.ts';
import { startControlServer } from '../../src/control/server.ts';
import { type Clock, SystemClock } from '../../src/runtime/clock.ts';
import type { Command, CommandHandler, Reply } from '../../src/scheduler/commands.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const clock = new SystemClock();
const PAUSE: Command = { do: 'pause' };

let home: string;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'control-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(home, { recursive: true });
});

async function serve(handler: CommandHandler, at = home): Promise<MemoryLogger> {
  const logger = new MemoryLogger();
  const server = await startControlServer({ home: at, handler, logger, clock });
  closing.push(server.close);
  return logger;
}

function send(command: Command, parts: { at?: string; limitMs?: number; clock?: Clock } = {}): Promise<Reply> {
  return sendCommand({ home: parts.at ?? home, command, limitMs: parts.limitMs ?? 20_000, clock: parts.clock ?? clock });
}

/** A daemon of another kind on the same address. */
async function impostor(meet: (socket: Socket) => void): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    meet(socket);
  });
  await new Promise<void>((resolve) => server.listen(controlAddress(home), resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** Raw words on the wire; answers all that comes back until the server hangs up. */
function raw(...words: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(controlAddress(home));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    for (const word of words) socket.write(word);
  });
}

const JOB = {
  id: 'j',
  videoPath: '/v/j.mp4',
  sha256: 'ab',
  caption: '',
  account: 'a',
  publishAtMs: null,
  priority: 0,
  maxAttempts: null,
  repeat: 0,
};

function adding(more: object): Command {
  return { do: 'add_jobs', batch: { id: 'b', source: '/v', accounts: null }, jobs: [{ ...JOB, ...more }] };
}

const echo: CommandHandler = async (command) => ({ ok: true, text: JSON.stringify(command) });

describe('the control socket', () => {
  it('carries every kind of order and its reply, unchanged', async () => {
    await serve(echo);
    const orders: Command[] = [
      { do: 'add_accounts', names: ['a', 'b'] },
      { do: 'add_jobs', batch: { id: 'b', source: '/v', accounts: null }, jobs: [] },
      ...[{}, { retry: null }, { retry: false }, { retry: 5 }, { retry: { max_attempts: 2, initial_delay: '1m' } }].map(adding),
      { do: 'undo_add', batch: 'b' },
      { do: 'undo_account', account: 'a' },
      { do: 'pause' },
      { do: 'resume' },
      { do: 'stop' },
      { do: 'retry', job: 'all' },
      { do: 'skip', job: 'j', reason: 'line\nbreak 👩‍🌾' },
      { do: 'settle', job: 'j', verdict: 'absent' },
      { do: 'release', account: 'a' },
    ];
    for (const order of orders) expect(await send(order)).toEqual({ ok: true, text: JSON.stringify(order) });
  });

  it('carries a batch of 500 long captions whole', async () => {
    await serve(async (command) => ({ ok: true, text: command.do === 'add_jobs' ? String(command.jobs.at(-1)?.caption.length) : '' }));
    const caption = '市'.repeat(2_200);
    const jobs = Array.from({ length: 500 }, (_, n) => ({
      id: `j${n}`,
      videoPath: '/v',
      sha256: null,
      caption,
      account: null,
      publishAtMs: null,
      priority: 0,
      maxAttempts: null,
      repeat: 0,
    }));
    expect(await send({ do: 'add_jobs', batch: { id: 'b', source: '/v', accounts: null }, jobs })).toMatchObject({ text: '2200' });
  });

  it('serves several at once', async () => {
    await serve(echo);
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => send({ do: 'retry', job: `j${n}` })));
    expect(replies.map((reply) => JSON.parse(reply.text).job)).toEqual(Array.from({ length: 20 }, (_, n) => `j${n}`));
  });

  it('is for this user alone', async () => {
    await serve(echo);
    expect(statSync(controlAddress(home)).mode & 0o777).toBe(0o600);
  });

  it('replaces what a killed daemon left, and leaves nothing itself', async () => {
    writeFileSync(controlAddress(home), '');
    expect(await daemonListens(home)).toBe(false);
    const server = await startControlServer({ home, handler: echo, logger: new MemoryLogger(), clock });
    expect(await daemonListens(home)).toBe(true);
    await server.close();
    expect(existsSync(controlAddress(home))).toBe(false);
    expect(await daemonListens(home)).toBe(false);
  });

  it('leaves the socket of its successor alone when it closes late', async () => {
    await serve(async () => ({ ok: true, text: 'the old one' }));
    const [closeOld] = closing;
    await serve(async () => ({ ok: true, text: 'the new one' }));
    await closeOld?.();
    expect(await send(PAUSE)).toMatchObject({ text: 'the new one' });
    expect(readdirSync(home)).toEqual(['.control.sock']);
  });

  it('works for homes whose path is longer than a socket may be', async () => {
    const deep = join(home, 'd'.repeat(120));
    mkdirSync(deep);
    const address = controlAddress(deep);
    expect(Buffer.byteLength(address)).toBeLessThan(104);
    expect(address).not.toBe(controlAddress(join(home)));
    await serve(echo, deep);
    expect(await send(PAUSE, { at: deep })).toMatchObject({ ok: true });
    expect(controlAddress('C:\\home', 'win32')).toMatch(/^\\\\\.\\pipe\\posting-scheduler-[0-9a-f]{24}$/);
  });

  it('lets a reply leave before it closes', async () => {
    const entered = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Reply>();
    const handler: CommandHandler = () => {
      entered.resolve();
      return answer.promise;
    };
    const server = await startControlServer({ home, handler, logger: new MemoryLogger(), clock });
    const reply = send({ do: 'stop' });
    await entered.promise;
    const closed = server.close();
    answer.resolve({ ok: true, text: 'Stopping.' });
    expect(await reply).toEqual({ ok: true, text: 'Stopping.' });
    await closed;
  });

  it('turns a handler that throws into a reply', async () => {
    await serve(() => Promise.reject(new Error('boom')));
    expect(await send(PAUSE)).toMatchObject({ ok: false, code: 'DEFECT', text: 'boom' });
  });

  it('refuses what it does not understand, and lives on', async () => {
    const logger = await serve(echo);
    expect(await raw('nonsense\n')).toContain('CONTROL_MISFIT');
    expect(await raw('{"v":2,"id":"7","command":{"do":"pause"}}\n')).toContain('version 1, the command version 2');
    for (const command of [
      { do: 'format_disk' },
      { do: '__proto__' },
      { do: 'skip', job: 'j' },
      { do: 'settle', job: 'j', verdict: 'maybe' },
      { do: 'add_jobs', batch: {}, jobs: [] },
      ...['often', [], { max_attempts: 'many' }, { never: 5 }].map((retry) => adding({ retry })),
      null,
    ]) {
      expect(await raw(`${JSON.stringify({ v: 1, id: '7', command })}\n`)).toContain('it does not know this order');
    }
    await raw(Buffer.alloc(MAX_MESSAGE_BYTES + 1, 0x20)).catch(() => 'reset');
    expect((await logger.until('could not be read')).fields.err).toBeInstanceOf(RangeError);
    expect(await send(PAUSE)).toMatchObject({ ok: true });
  });
});

describe('sendCommand', () => {
  it('says that nothing runs', async () => {
    await expect(send(PAUSE)).rejects.toMatchObject({ code: 'NO_DAEMON', message: `no scheduler is running in ${home}` });
  });

  it('says whom it waited for when the limit is over', async () => {
    await impostor(() => undefined);
    writeFileSync(join(home, 'scheduler.lock'), '{"pid": 4711}');
    const time = new VirtualClock();
    await expect(time.run(send(PAUSE, { limitMs: 5_000, clock: time }))).rejects.toMatchObject({
      code: 'CONTROL_TIMEOUT',
      message: 'the running scheduler (PID 4711) did not answer within 5000 ms',
    });
  });

  it('says that it does not know what became of the order when the daemon dies over it', async () => {
    await impostor((socket) => socket.on('data', () => socket.destroy()));
    await expect(send(PAUSE)).rejects.toMatchObject({ code: 'CONTROL_LOST', next: expect.stringContaining('--status') });
  });

  it('does not take another program for ours', async () => {
    await impostor((socket) => socket.end('HTTP/1.1 400 Bad Request\n'));
    await expect(send(PAUSE)).rejects.toMatchObject({ code: 'CONTROL_MISFIT' });
  });
});

describe('messages', () => {
  it('belong to the request they answer', () => {
    expect(readRequest(requestLine('7', PAUSE).trim())).toEqual({ ok: true, id: '7', command: PAUSE });
    expect(readReply('{"v":1,"id":"8","reply":{"ok":true,"text":""}}', '7')).toBeNull();
    expect(readReply('{"v":1,"id":"7","reply":{"ok":"yes","text":""}}', '7')).toBeNull();
  });
});

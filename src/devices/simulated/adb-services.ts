/**
 * What adb can open on the phone: shell, exec, sync, reboot and the UiAutomator2 port.
 *
 * Decides who serves a stream and carries output and exit codes; what commands do
 * is the shell's business. Source: AOSP packages/modules/adb/SERVICES.TXT.
 */
import { Readable } from 'node:stream';
import type { AdbStream } from './adb-stream.ts';
import type { OpenService } from './adb-transport.ts';
import { programNames, runShellLine } from './shell.ts';
import type { ShellContext } from './shell-program.ts';
import { serveSync } from './sync-service.ts';

const UIA2_PORT = 'tcp:6790';
/** Packet ids of the shell protocol (`shell,v2`): id, length, bytes. */
const STDOUT = 1;
const STDERR = 2;
const EXIT = 3;

export function adbServices(context: ShellContext): OpenService {
  const { phone, uia2 } = context;
  const notice = (labels: readonly string[]): void => phone.faults.strike(phone.faults.due('adb', labels));
  return (name) => {
    if (name === UIA2_PORT) return uia2.acceptsConnections() ? (stream) => void uia2.accept(stream) : null;
    if (name === 'sync:') return (stream) => void sync(stream, context, notice);
    const shell = /^(shell|exec)(,[^:]*)?:([\s\S]*)$/.exec(name);
    if (shell) {
      const [, service, options = '', line = ''] = shell;
      return (stream) => {
        notice(programNames(line).map((program) => `shell:${program}`));
        // A hung shell has taken the command and says nothing.
        if (phone.faults.take('shell_hang')) {
          stream.resume();
          return;
        }
        void runOnStream(stream, { line, packets: service === 'shell' && options.includes('v2') }, context);
      };
    }
    if (name.startsWith('reboot:')) {
      return (stream) => {
        stream.end();
        phone.faults.set({ name: 'reboot' });
      };
    }
    return null;
  };
}

async function sync(stream: AdbStream, { phone }: ShellContext, notice: (labels: readonly string[]) => void): Promise<void> {
  await serveSync(stream, {
    files: phone.files,
    onTransfer: (kind, path) => notice([`${kind}:${path}`, kind]),
    storageFault: () => (phone.faults.take('disk_full') ? 'full' : phone.faults.take('push_corrupt') ? 'corrupt' : null),
  }).catch(() => stream.destroy());
}

async function runOnStream(
  stream: AdbStream,
  command: { readonly line: string; readonly packets: boolean },
  context: ShellContext,
): Promise<void> {
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  const write = (id: number, bytes: Buffer): void => {
    if (!stream.destroyed) stream.write(command.packets ? packet(id, bytes) : bytes);
  };
  // In the shell protocol input is wrapped in packets, and no command here reads any.
  if (command.packets) stream.resume();
  const io = {
    out: (text: string) => write(STDOUT, Buffer.from(text, 'utf8')),
    err: (text: string) => write(STDERR, Buffer.from(text, 'utf8')),
    stdin: command.packets ? Readable.from([]) : stream,
    closed: closed.signal,
  };
  let code: number;
  try {
    code = await runShellLine(command.line, io, context);
  } catch (error) {
    io.err(`simulated phone: ${error instanceof Error ? error.message : String(error)}\n`);
    code = 1;
  }
  if (command.packets) write(EXIT, Buffer.from([code]));
  stream.end();
}

function packet(id: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(id, 0);
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

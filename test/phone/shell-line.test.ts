// Promise 6 and 8 rest on this: a file name with any characters reaches the phone's commands as that name, or adb tests prove nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, MessageReader } from '../../src/devices/simulated/adb-messages.ts';
import { parseShellLine, ShellSyntaxError } from '../../src/devices/simulated/shell-line.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

describe('the shell line parser', () => {
  it('gives back any words that were quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
        const [command, ...rest] = parseShellLine(words.map(quote).join(' '));
        expect(rest).toEqual([]);
        expect(command?.argv).toEqual(words);
      }),
    );
  });

  it.each([
    ['a b  c', [['a', 'b', 'c']]],
    ['a "b \'c\' \\"d\\" $e" f\\ g', [['a', 'b \'c\' "d" $e', 'f g']]],
    ["a''b", [['ab']]],
    [
      "export X=\"''\"; exec logcat '-v' 'x'",
      [
        ['export', "X=''"],
        ['exec', 'logcat', '-v', 'x'],
      ],
    ],
    ['rm -f x && ls;', [['rm', '-f', 'x'], ['ls']]],
    ['', []],
  ])('reads %j', (line, argvs) => {
    expect(parseShellLine(line).map(({ argv }) => argv)).toEqual(argvs);
  });

  it('knows when a command runs and where its output goes', () => {
    expect(parseShellLine('a || b 2>&1 && c > /x 2>/dev/null; d >> /x')).toEqual([
      { argv: ['a'], when: 'always', stdoutTo: null, stderrTo: 'stderr' },
      { argv: ['b'], when: 'failure', stdoutTo: null, stderrTo: 'stdout' },
      { argv: ['c'], when: 'success', stdoutTo: { path: '/x', append: false }, stderrTo: 'nowhere' },
      { argv: ['d'], when: 'always', stdoutTo: { path: '/x', append: true }, stderrTo: 'stderr' },
    ]);
  });

  it.each(["echo 'open", 'echo "open', 'a | b', '&& a', 'a >', 'a & b', '(a)'])('refuses %j instead of guessing', (line) => {
    expect(() => parseShellLine(line)).toThrow(ShellSyntaxError);
  });
});

describe('the adb message reader', () => {
  it('finds the same messages however the bytes are cut', () => {
    const message = fc.record({
      command: fc.constantFrom('CNXN', 'OPEN', 'OKAY', 'WRTE', 'CLSE', 'AUTH'),
      arg0: fc.nat(),
      arg1: fc.nat(),
      payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.array(message), fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(encodeMessage));
        const reader = new MessageReader();
        const found = [];
        let at = 0;
        while (at < bytes.length) {
          const size = cuts.next().value ?? 1;
          found.push(...reader.read(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found.map((one) => ({ ...one, payload: Buffer.from(one.payload) }))).toEqual(messages);
      }),
    );
  });

  it('refuses what is not adb', () => {
    expect(() => new MessageReader().read(Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'))).toThrow('not an adb message');
  });
});

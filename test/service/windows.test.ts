/** Guards promises 2 and 6 on Windows, as far as that can be tried elsewhere: the definition of the service and its scripts say what they should. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { controlAddress } from '../../src/control/address.ts';
import { CLOSE_LIMIT_MS } from '../../src/scheduler/house.ts';

const folder = join(import.meta.dirname, '..', '..', 'service', 'windows');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const definition = read('posting-scheduler.xml');

describe('the WinSW definition', () => {
  it.runIf(spawnSync('python3', ['--version']).status === 0)('is well-formed, also with what install.ps1 fills in', () => {
    const home = 'C:\\team &amp; co\\videos';
    const text = definition.replaceAll('@NODE@', 'C:\\node.exe').replaceAll('@ENTRY@', 'C:\\x.js').replaceAll('@HOME@', home);
    const script = 'import sys, xml.dom.minidom as m; d = m.parseString(sys.stdin.read()); print(d.documentElement.tagName)';
    expect(execFileSync('python3', ['-c', script], { input: text, encoding: 'utf8' }).trim()).toBe('service');
  });

  it('stops by an order over the control channel, and grants it more than its stages may take', () => {
    expect(definition).toMatch(/<stoparguments>"@ENTRY@" --home "@HOME@" --stop<\/stoparguments>/);
    expect(Number(/<stoptimeout>(\d+) sec/.exec(definition)?.[1]) * 1_000).toBeGreaterThan(60_000 + CLOSE_LIMIT_MS + 20_000);
  });

  it('runs the same command as the systemd unit, and gives up after a few failed starts', () => {
    expect(definition).toContain('<arguments>"@ENTRY@" --home "@HOME@" --run</arguments>');
    expect([...definition.matchAll(/<onfailure action="(\w+)"/g)].map((match) => match[1])).toEqual(['restart', 'restart', 'none']);
  });
});

describe('the scripts', () => {
  it('fill in everything that the definition asks for', () => {
    for (const name of new Set(definition.replace(/<!--[\s\S]*?-->/, '').match(/@[A-Z]+@/g)))
      expect(read('install.ps1')).toContain(`Replace('${name}'`);
  });

  it.each(['install.ps1', 'uninstall.ps1', 'status.ps1'])('%s stops at the first error', (name) => {
    expect(read(name)).toContain("$ErrorActionPreference = 'Stop'");
  });

  it('install refuses an old Node, and the service of another home', () => {
    expect(read('install.ps1')).toContain("[version]'24.11.0'");
    expect(read('install.ps1')).toContain('of another home exists');
  });
});

describe('the control channel', () => {
  it('is a named pipe on Windows and a socket elsewhere, for the same home the same one', () => {
    expect(controlAddress('C:\\videos', 'win32')).toMatch(/^\\\\\.\\pipe\\posting-scheduler-[0-9a-f]{24}$/);
    expect(controlAddress('C:\\videos', 'win32')).toBe(controlAddress('C:\\videos', 'win32'));
    expect(controlAddress('/srv/videos', 'linux')).toBe('/srv/videos/.control.sock');
  });
});

it('the database needs no compiler: its binaries for Windows are in the package', () => {
  const entry = createRequire(import.meta.url).resolve('better-sqlite3/package.json');
  for (const name of ['win32-x64.node', 'win32-arm64.node']) expect(existsSync(join(entry, '..', 'prebuilds', name)), name).toBe(true);
});

/** Guards promise 7 where a person is called: docs/operations.md names every alarm and every error code that there can be, with the next step. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CATALOGUE } from '../../src/errors.ts';
import { ALARMS, type Alarm, nextSteps } from '../../src/scheduler/alarm.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const page = read('docs', 'operations.md');

it.each(Object.keys(ALARMS) as Alarm[])('the alarm %s is there, with what to do next and each command of it', (alarm) => {
  const [, what = '', next = ''] = new RegExp(`^\\| \`${alarm}\` \\| ([^|]+) \\| ([^|]+) \\|$`, 'm').exec(page) ?? [];
  expect(what.length).toBeGreaterThan(10);
  expect(next.length).toBeGreaterThan(10);
  const commands = nextSteps(alarm).flatMap((step) => /scheduler --.*$/.exec(step)?.[0] ?? []);
  for (const command of commands) expect(next).toContain(`\`${command}\``);
});

it('no other alarm is there', () => {
  const section = /## When it calls you[\s\S]*?(?=\n## )/.exec(page)?.[0] ?? '';
  expect([...section.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1])).toEqual(Object.keys(ALARMS));
});

it('an alarm is raised in one place, so that none can be forgotten here', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(files.filter((name) => read('src', name).includes('[ALARM] '))).toEqual([join('scheduler', 'alarm.ts')]);
});

it('every error code is on the page it links to, with what to do next', () => {
  expect(page).toContain('](errors.md)');
  const rows = new Map(
    [...read('docs', 'errors.md').matchAll(/^\| `([A-Z_]+)` \|.*\| (.*) \|$/gm)].map((match) => [match[1], match[2] ?? '']),
  );
  expect(Object.keys(CATALOGUE).filter((code) => (rows.get(code) ?? '').length < 12)).toEqual([]);
});

/**
 * Guards promise 7: whatever the docs tell people to type works, and shows what they are told. Each command is executed; what is
 * not has a reason here, and a test that covers it. A new command in the docs fails until somebody says here what it shows.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseArgv } from '../../src/cli/options.ts';
import { unpackProgram } from '../package/packed.ts';
import { freePort, newWorld } from '../process/world.ts';
import { CommandsHome } from './commands-home.ts';
import { pageCommands, ROOT, readPage, wordsOf } from './page-commands.ts';

const commands = [...pageCommands()].map(([command, pages]) => [command, pages.join(', ')] as const);

/** Not executed here: why, and the test that covers it. */
const ELSEWHERE: readonly (readonly [RegExp, string, string])[] = [
  [/^scheduler --(?:home \S+ --)?(?:un)?install-service/, 'changes the machine, needs systemd', 'test/service/install.test.ts'],
  [/^scheduler --service-status$/, 'shows what systemd of this machine has', 'test/service/install.test.ts'],
  [/^scheduler --import scheduler_state\.json$/, 'needs what a scheduler wrote at its end', 'test/process/ended-and-vanished.test.ts'],
  [/^scheduler --holder-gone /, 'needs a holder on another host that was replaced unseen', 'test/process/instance.test.ts'],
  [/^npm install --global /, 'changes the machine', 'test/package/tarball.test.ts'],
  [/^npm run demo/, 'installs what is missing, takes a minute; its parts are tested', 'test/scripts/demo-report.test.ts'],
  [/^npm run simulate /, 'hours', 'test/simulation/simulation.test.ts'],
  [/^npm run chaos -- --copies /, 'minutes', 'test/chaos/power-loss.test.ts'],
  [/^npm run chaos /, 'hours', 'test/chaos/chaos.test.ts'],
  [/^npm run format$/, 'changes the sources', 'package.json'],
  [/^npm test/, 'this is it', 'scripts/test.ts'],
  [/^npx vitest (?:run )?(test\/\S+)/, 'these tests run anyhow', 'vitest.config.ts'],
  [/^node bench\/([a-z-]+\.ts)/, 'minutes, on a quiet machine', 'bench/README.md'],
  [/^node scripts\/write-configuration-doc\.ts$/, 'compared with what is there', 'test/docs/configuration.test.ts'],
  [/^node scripts\/write-errors-doc\.ts$/, 'compared with what is there', 'test/tidy.test.ts'],
  [/^node src\/main\.ts --help$/, 'the built program is tried', 'test/cli/bin.test.ts'],
];

type How = 'to its end' | 'told to a running scheduler' | 'until Ctrl-C' | 'until SIGTERM';

/** What a person sees; the first that fits counts. A drain of this home leaves what needs a look: exit code 4; Ctrl-C leaves none. */
const SHOWS: readonly (readonly [RegExp, RegExp, How, (number | null)?])[] = [
  [/^scheduler-phone --help$/, /scheduler-phone.*--name/s, 'to its end'],
  [/^scheduler-phone --name/, /"adb":"127\.0\.0\.1:\d+"/, 'until Ctrl-C'],
  [/ --(?:watch|follow)$/, /\S/, 'until Ctrl-C', null],
  [/ --run --drain$/, /Published 0|Published nothing|Nothing/, 'to its end', 4],
  [/ --add-folder .*--run$/, /PUBLISHED chunk/, 'until SIGTERM'],
  [/ --run\b/, /^/, 'until SIGTERM'],
  [/ --add-folder .*--seed-only$/, /Queued 1 of 1 video \(batch /, 'to its end'],
  [/ --add-folder /, /Queued 1 of 1 video \(batch /, 'to its end'],
  [/ --status --json$/, /"uncertain": ?1/, 'to its end'],
  [/ --status$/, /NEEDS A PERSON \(2\).*VIDEOS {2}5 in all/s, 'to its end'],
  [/ --plan$/, /alice +later-1-/, 'to its end'],
  [/ --settle \S+ published$/, /^doubt-\S+ counts as published by bob\.$/m, 'to its end'],
  [/ --settle \S+ absent$/, /^doubt-\S+ was not published and is tried again\.$/m, 'to its end'],
  [/ --release /, /^carol may post again\.$/m, 'to its end'],
  [/ --retry /, /^broken-\S+ is tried again, up to 3 times\.$/m, 'to its end'],
  [/ --retry-all-failed --retry-include-non-retryable$/, /are tried again/, 'to its end'],
  [/ --retry-all-failed$/, /No failed job can be helped by a retry\./, 'to its end'],
  [/ --skip /, /^later-\S+ will not be published\.$/m, 'to its end'],
  [/ --edit /, /^later-\S+ is changed/m, 'to its end'],
  [/ --undo-add .* --undo-accounts /, /^Took back 1 video of batch .*erin/ms, 'to its end'],
  [/ --undo-add /, /^Took back 1 video of batch /m, 'to its end'],
  [/ --events\b/, /committing .* bob /, 'to its end'],
  [/ --logs\b/, /doubt-\S+ .*socket hang up/, 'to its end'],
  [/ --export /, /^Wrote \S+\.$/m, 'to its end'],
  [/ --import /, /1 /, 'to its end'],
  [/ --show-config$/, /defaults\.posts_per_day +50 +\(file\)/, 'to its end'],
  [/ --force-kill-ports$/, /\S/, 'to its end'],
  [/ --doctor$/, /^In order/m, 'to its end'],
  [/ --check$/, /scheduler_state\.db is whole/, 'to its end'],
  [/ --backup /, /^Copied scheduler_state\.db, posted\.jsonl/m, 'to its end'],
  [/ --restore /, /^Put back .*backup\. The former database is in /m, 'to its end'],
  [/ --pause phone:\S+$/, /begins no further post/, 'to its end'],
  [/ --pause \S+$/, /begins no further post/, 'told to a running scheduler'],
  [/ --(?:pause|resume|reload|stop)$/, /\S/, 'told to a running scheduler'],
  [/ --help$/, /Every day:/, 'to its end'],
];

describe('every command of the docs', () => {
  const covered = ([command]: readonly [string, string]) => ELSEWHERE.find(([pattern]) => pattern.test(command));
  const executed = commands.filter((command) => covered(command) === undefined);
  let home: CommandsHome;
  beforeAll(async () => {
    home = await CommandsHome.open();
  }, 60_000);
  beforeEach(() => home.reset());

  it('is looked at at all', () => {
    expect(executed.length).toBeGreaterThan(40);
  });

  it.each(executed)('%s (%s)', async (command) => {
    const [, shows, how, code = 0] = SHOWS.find(([pattern]) => pattern.test(command)) ?? [];
    expect(how, 'say in SHOWS what it shows').toBeDefined();
    const [program = '', ...words] = wordsOf(home.meaning(command));
    const ran = await {
      'to its end': () => home.run(program, words),
      'told to a running scheduler': () => home.tell(words),
      'until Ctrl-C': () => home.watch(program, words),
      'until SIGTERM': () => home.runUntil(words, words.includes('--add-folder') ? 'chunk' : null),
    }[how as How]();
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: '' });
    expect(ran.stdout).toMatch(shows as RegExp);
  });

  it.each(commands.filter((command) => covered(command) !== undefined))('%s (%s) is covered elsewhere', (command, pages) => {
    const [pattern, , test = ''] = covered([command, pages]) ?? [];
    expect(existsSync(join(ROOT, test))).toBe(true);
    if (command.startsWith('scheduler ')) expect(() => parseArgv(wordsOf(command).slice(1), '0')).not.toThrow();
    const [, script] = /^npm (?:run )?(\w+)/.exec(command) ?? [];
    if (script !== undefined && script !== 'install') expect(JSON.parse(readPage('package.json')).scripts).toHaveProperty(script);
    const [, named] = pattern?.exec(command) ?? [];
    if (named !== undefined)
      expect([named, join('bench', named), `${named}.test.ts`].some((path) => existsSync(join(ROOT, path)))).toBe(true);
  });
});

it('docs/getting-started.md leads to a published video, with the program as it is packed', async () => {
  const world = await newWorld();
  const folder = mkdtempSync(join(tmpdir(), 'started-'));
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const { program } = unpackProgram(folder);
    for (const name of ['scheduler', 'scheduler-phone']) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${join(program, 'bin', `${name}.js`)}" "$@"\n`);
      chmodSync(join(bin, name), 0o755);
    }
    cpSync(join(ROOT, 'demo', 'videos'), join(folder, 'posting', 'videos'), { recursive: true });
    const boxes = [...readPage('docs/getting-started.md').matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(boxes.length).toBeGreaterThanOrEqual(5);
    const script = boxes.join('\n').replaceAll('5600', String(await freePort()));
    const ended = `trap 'kill %1 2>/dev/null; wait' EXIT\nset -e\n${script}`;
    const env = { ...world.env, PATH: `${bin}:${world.env.PATH}` };
    const { status, stdout, stderr } = spawnSync('bash', ['-c', ended], { cwd: folder, env, encoding: 'utf8', timeout: 100_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Published 3');
    expect(stdout).toContain('already known');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

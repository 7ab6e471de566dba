/**
 * A home in which every command of the docs has something to do: a published
 * video, an uncertain, a failed and a waiting one, and an account on hold. It is
 * made once, by the program itself, and put back before each command.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { newWorld, type Ran, ROOT, videoBytes, type World } from '../process/world.ts';

const SETTINGS = `timezone: UTC
defaults: {app: demo, posts_per_day: 50, delay_between_posts: 0}
devices: {usb: false}
verify: {settle: 0.1s, second_look: 0.1s, gaps: [20m]}
publisher: {module: ${join(ROOT, 'test', 'docs', 'publisher.mjs')}}
`;
const OLD_PROGRESS = `job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error
old-1,alice,/videos/old-1.mp4,An old one,success,0,2026-01-05T09:00:00,2026-01-05T09:04:00,
`;

export class CommandsHome {
  readonly #world: World;
  readonly #template: string;
  /** What the docs' words stand for in this home, each behind the flag it belongs to. */
  readonly #means: readonly (readonly [RegExp, string])[];

  private constructor(world: World, means: readonly (readonly [RegExp, string])[]) {
    this.#world = world;
    this.#template = join(world.folder, 'template');
    this.#means = means;
    cpSync(world.home, this.#template, { recursive: true });
  }

  static async open(): Promise<CommandsHome> {
    const world = await newWorld();
    mkdirSync(world.home);
    writeFileSync(world.path('scheduler.yaml'), SETTINGS);
    writeFileSync(join(world.folder, 'progress.csv'), OLD_PROGRESS);
    for (const [account, video] of [
      ['alice', 'fine'],
      ['bob', 'doubt'],
      ['carol', 'captcha'],
      ['dave', 'broken'],
    ] as const)
      put(world, join('first', account), video);
    for (const folder of ['later', 'chunk', 'chunk_test', 'more']) put(world, folder, `${folder}-1`);
    const order = async (code: number, ...words: string[]) => {
      const ran = await world.cli(...words);
      expect(ran, ran.stderr).toMatchObject({ code, stderr: '' });
      return ran.stdout;
    };
    await order(0, '--add-folder', 'first', '--add-accounts', 'alice,bob,carol,dave');
    await order(4, '--run', '--drain');
    await order(0, '--add-accounts', 'erin');
    const added = await order(0, '--add-folder', 'later', '--account', 'alice', '--at', '2030-01-01 18:30');
    await order(0, '--backup', 'backup');
    await order(0, '--export', world.path('scheduler_state.json'));
    const named = (start: string) => world.jobs().find(({ id }) => id.startsWith(start))?.id ?? start;
    return new CommandsHome(world, [
      [/(--settle) JOB/, named('doubt')],
      [/(--retry) JOB/, named('broken')],
      [/(--skip|--edit) JOB/, named('later')],
      [/(--job) JOB/, named('doubt')],
      [/(--release) ACCOUNT/, 'carol'],
      [/(--undo-add) BATCH/, /batch ([^)]+)\)/.exec(added)?.[1] ?? ''],
      [/(--undo-accounts) NAME/, 'erin'],
      [/(--add-folder) DIR/, 'chunk'],
      [/(--backup) DIR/, 'another-backup'],
      [/(--restore) DIR/, 'backup'],
      [/(--import) FILE/, 'progress.csv'],
    ]);
  }

  /** The command with this home's names in place of the docs' words. */
  meaning(command: string): string {
    return this.#means.reduce((text, [word, name]) => text.replace(word, `$1 ${name}`), command);
  }

  /** The home as it was made. */
  reset(): void {
    rmSync(this.#world.home, { recursive: true, force: true });
    cpSync(this.#template, this.#world.home, { recursive: true });
  }

  run(program: string, words: readonly string[]): Promise<Ran> {
    return this.#world.finish(this.#spawn(program, words));
  }

  /** An order to a running scheduler, and its answer. */
  async tell(words: readonly string[]): Promise<Ran> {
    const daemon = await this.#world.daemon();
    const answer = await this.#world.cli(...words);
    if (!words.includes('--stop')) daemon.signal('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0 });
    return answer;
  }

  /** A command that goes on until Ctrl-C: pressed as soon as it has shown something. */
  async watch(program: string, words: readonly string[]): Promise<Ran> {
    const child = this.#spawn(program, words);
    child.stdout.once('data', () => child.kill('SIGINT'));
    return this.#world.finish(child);
  }

  /** `--run` until it has published a video of this name, or only until it has started. */
  async runUntil(words: readonly string[], published: string | null): Promise<Ran> {
    const daemon = await this.#world.daemon(...words.filter((word) => word !== '--run'));
    if (published !== null) await this.#world.logged(`[OK] ${published}`);
    daemon.signal('SIGTERM');
    return daemon.ended;
  }

  #spawn(program: string, words: readonly string[]) {
    const { folder: cwd, env, home } = this.#world;
    const child = spawn(process.execPath, [join(ROOT, 'bin', `${program}.js`), ...words], { cwd, env: { ...env, SCHEDULER_HOME: home } });
    child.stdin.end();
    return child;
  }
}

function put(world: World, folder: string, name: string): void {
  mkdirSync(join(world.folder, folder), { recursive: true });
  writeFileSync(join(world.folder, folder, `${name}.mp4`), videoBytes(`${folder}/${name}`));
  writeFileSync(join(world.folder, folder, `${name}.txt`), name);
}

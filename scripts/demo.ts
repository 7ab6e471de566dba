/**
 * `npm run demo`: the whole job on the real chain, for anybody to watch. Two
 * simulated phones, three accounts, six videos; the real command line, Appium,
 * UiAutomator2 driver and adb. What was published is read from the phones.
 *
 * A second run publishes nothing. `--fresh` starts over. Exit code 0 means that
 * every check held; the last line is JSON for programs. Run by bootstrap.mjs.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { prepareHome, readVideos } from './demo/home.ts';
import { isListening, ProcessWatch } from './demo/leftovers.ts';
import { Phone, type PhoneSetup } from './demo/phones.ts';
import { type Check, checkLines, checkPosts, feedTable, type PublishedPost } from './demo/report.ts';

const PHONES: readonly PhoneSetup[] = [
  { name: 'phone-1', accounts: ['alice', 'bob'] },
  { name: 'phone-2', accounts: ['carol'] },
];
const RUN_LIMIT_MS = 300_000;
const END_LIMIT_MS = 10_000;

const root = join(import.meta.dirname, '..');
const folder = join(root, '.demo');
const home = join(folder, 'home');
const videoFolder = join(root, 'demo', 'videos');
const stopping = new AbortController();
const say = (text: string) => process.stdout.write(`${text}\n`);

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

const execute = promisify(execFile);
const adb = async (port: number, ...args: string[]) => (await execute('adb', ['-P', String(port), ...args], { timeout: 20_000 })).stdout;

/** The scheduler as a user would start it, with its own output. Answers its exit code. */
function runScheduler(env: NodeJS.ProcessEnv): Promise<number> {
  const accounts = PHONES.flatMap((phone) => phone.accounts).join(',');
  const flags = ['--home', home, '--add-folder', videoFolder, '--add-accounts', accounts, '--run', '--drain', '--workers', '2'];
  say(`$ scheduler ${flags.map((flag) => flag.replace(`${root}/`, '')).join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'scheduler.js'), ...flags], { cwd: root, env, stdio: 'inherit' });
    const end = () => child.kill('SIGTERM');
    const limit = setTimeout(end, RUN_LIMIT_MS);
    stopping.signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(limit);
      resolve(code ?? 1);
    });
  });
}

async function readFeeds(phones: readonly Phone[]): Promise<PublishedPost[]> {
  const feeds = await Promise.all(
    phones.map(async (phone) => (await phone.ledger()).map((post) => ({ ...post, phone: phone.setup.name }))),
  );
  return feeds.flat();
}

/** What must be gone when the scheduler has ended, and then when the phones have. Forwards live in the adb server and end with it. */
async function checkEndings(phones: readonly Phone[], adbPort: number, watch: ProcessWatch): Promise<Check[]> {
  const left = await watch.left(
    END_LIMIT_MS,
    phones.map((phone) => phone.pid),
  );
  const forwards = (await isListening(adbPort)) ? (await adb(adbPort, 'forward', '--list')).trim() : '';
  const ran = watch.count - phones.length;
  await Promise.all(phones.map((phone) => phone.stop()));
  const open: number[] = [];
  for (const port of [adbPort, ...phones.flatMap((phone) => phone.ports)]) if (await isListening(port)) open.push(port);
  return [
    watch.isPossible
      ? {
          says: `none is left of the ${ran} processes that ran (Appium and adb server included)`,
          ok: left.length === 0,
          found: left.join('; '),
        }
      : { says: 'processes that may be left: not looked for on this system', ok: true },
    { says: 'no adb forward and no port is left', ok: forwards === '' && open.length === 0, found: [forwards, ...open].join(', ') },
  ];
}

async function rehearse(): Promise<boolean> {
  const startedMs = performance.now();
  if (process.argv.includes('--fresh')) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const marker = `POSTING_SCHEDULER_DEMO=${process.pid}-${Date.now()}`;
  const watch = new ProcessWatch(marker);
  watch.start();
  const adbPort = await freePort();
  const [name = '', value = ''] = marker.split('=');
  const env = { ...process.env, [name]: value, ANDROID_ADB_SERVER_PORT: String(adbPort) };
  const videos = readVideos(videoFolder);
  const phones: Phone[] = [];
  try {
    say(`Two simulated phones, three accounts, ${videos.length} videos. Everything between them is the real thing.\n`);
    for (const setup of PHONES) phones.push(await Phone.start(setup, { root, folder: join(folder, setup.name), env }));
    prepareHome(
      home,
      phones.map((phone) => ({ ...phone.setup, address: phone.address })),
    );
    const before = await readFeeds(phones);
    const code = await runScheduler(env);
    const posts = await readFeeds(phones);
    const homes = new Map(PHONES.flatMap((phone) => phone.accounts.map((account) => [account, phone.name] as const)));
    const checks: Check[] = [
      { says: 'the scheduler ended with exit code 0', ok: code === 0, found: `exit code ${code}` },
      ...checkPosts(videos, posts, homes),
      ...(await checkEndings(phones, adbPort, watch)),
    ];
    const added = posts.length - before.length;
    say(`\nWhat the phones' own feeds hold:\n${feedTable(videos, posts)}\n`);
    if (added > 0) say(`${added} new posts in this run.`);
    else say(before.length > 0 ? 'Nothing new was published: all of it was public already.' : 'Nothing was published.');
    say(`Checked:\n${checkLines(checks)}`);
    say(`${((performance.now() - startedMs) / 1000).toFixed(1)} s. The home folder is ${home}; \`npm run demo -- --fresh\` starts over.`);
    const published = posts.map(({ phone, account, sha256, caption }) => ({ phone, account, sha256, caption }));
    say(JSON.stringify({ published, new: added }));
    return checks.every(({ ok }) => ok);
  } finally {
    await Promise.all(phones.map((phone) => phone.stop()));
    if (await isListening(adbPort)) await adb(adbPort, 'kill-server');
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
process.exitCode = (await rehearse()) ? 0 : 1;

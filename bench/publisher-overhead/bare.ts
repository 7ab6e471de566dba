/**
 * The other side: what a person writes with WebdriverIO and adb alone. The same
 * session, the same commands to adb, the same taps, the same screens waited for,
 * and the same looks at account, video and caption; no limits, no popups, no
 * second try, no evidence. `--at-once` opens the session while the video travels.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { remote } from 'webdriverio';
import { answerOrders, type Chain, type Post, type Poster, Stopwatch } from './post.ts';

const FOLDER = '/sdcard/Movies/posting-scheduler';
const VIDEOS = 'content://media/external/video/media';
const atOnce = process.argv.includes('--at-once');
const run = promisify(execFile);

type Driver = Awaited<ReturnType<typeof remote>>;

function openScript(chain: Chain): Poster {
  const adb = async (...args: string[]) =>
    (await run('adb', ['-P', String(chain.adbPort), '-s', chain.phone, ...args], { env: chain.env })).stdout;
  return async (post) => {
    const watch = new Stopwatch();
    const name = `post-${post.id}.mp4`;
    watch.enter('push');
    const opening = atOnce ? openSession(chain) : null;
    await push(adb, post, `${FOLDER}/${name}`);
    watch.enter('open');
    const driver = await (opening ?? openSession(chain));
    await postWith(driver, post, name, watch);
    watch.enter('cleanup');
    await Promise.all([driver.deleteSession(), takeAway(adb, name)]);
    return watch.end();
  };
}

async function push(adb: (...args: string[]) => Promise<string>, { path, sha256 }: Post, target: string): Promise<void> {
  same(
    'video',
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
    sha256,
  );
  await adb('shell', `mkdir -p ${FOLDER}`);
  await adb('push', path, target);
  same('pushed video', (await adb('shell', `sha256sum ${target}`)).slice(0, 64), sha256);
  await adb('shell', `content call --uri content://media --method scan_file --arg ${target}`);
  const name = target.slice(FOLDER.length + 1);
  const rows = await adb('shell', `content query --uri ${VIDEOS} --projection _id:_size --where "_display_name='${name}'"`);
  same('listed video', rows.includes(`_size=${(await stat(path)).size}`), true);
}

async function takeAway(adb: (...args: string[]) => Promise<string>, name: string): Promise<void> {
  await adb('shell', `rm -f ${FOLDER}/${name}`);
  await adb('shell', `content delete --uri ${VIDEOS} --where "_display_name='${name}'"`);
}

function openSession({ appiumUrl, adbPort, phone }: Chain): Promise<Driver> {
  const { hostname, port } = new URL(appiumUrl);
  return remote({
    hostname,
    port: Number(port),
    logLevel: 'silent',
    connectionRetryCount: 0,
    capabilities: {
      platformName: 'Android',
      'appium:automationName': 'UiAutomator2',
      'appium:udid': phone,
      'appium:adbPort': adbPort,
      'appium:suppressKillServer': true,
      'appium:skipLogcatCapture': true,
      'appium:noReset': true,
      'appium:mockLocationApp': null,
      'appium:ignoreHiddenApiPolicyError': true,
      'wdio:enforceWebDriverClassic': true,
    } as never,
  });
}

async function postWith(driver: Driver, { account, caption }: Post, name: string, watch: Stopwatch): Promise<void> {
  const shown = async (id: string) => {
    const element = driver.$(`id=demo.video:id/${id}`);
    await element.waitForExist();
    return element;
  };
  watch.enter('identify');
  await driver.execute('mobile: activateApp', { appId: 'demo.video' });
  await (await shown('tab_profile')).click();
  same('account', await (await shown('profile_handle')).getText(), `@${account}`);
  watch.enter('compose');
  await (await shown('create_button')).click();
  const entry = driver.$(`//*[@resource-id="demo.video:id/picker_name" and @text="${name}"]`);
  await entry.waitForExist();
  await entry.click();
  const field = await shown('caption_input');
  await field.setValue(caption);
  same('caption', await field.getText(), caption);
  same('poster', await (await shown('posting_as')).getText(), `@${account}`);
  same('chosen video', await (await shown('selected_name')).getText(), name);
  const button = await shown('post_button');
  watch.enter('commit');
  await button.click();
  watch.enter('confirm');
  await shown('posted_banner');
  same('newest post', await (await shown('feed_caption')).getText(), caption);
}

function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`);
}

answerOrders(openScript);

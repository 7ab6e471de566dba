/**
 * The Android commands of the phone: am, cmd, pm, dumpsys, getprop, settings and
 * the rest of what Appium's driver and our adb wrapper call.
 *
 * Which command needs which answer was measured with appium-uiautomator2-driver 8.7.
 */

import { type InstalledPackage, type Phone, SETTINGS_APP, UIA2_PACKAGE, UIA2_TEST_PACKAGE } from './phone.ts';
import { CONTENT_COMMAND, scanMedia } from './shell-content.ts';
import { type ShellIo, type ShellProgram, untilClosed } from './shell-program.ts';
import { SCREEN } from './ui-node.ts';

const PROPERTIES: Readonly<Record<string, string>> = {
  'ro.build.version.sdk': '33',
  'ro.build.version.release': '13',
  'ro.product.manufacturer': 'Simulated',
  'ro.product.model': 'SimPhone',
  'ro.product.name': 'sim',
  'ro.product.device': 'sim',
  'ro.product.cpu.abi': 'arm64-v8a',
  'persist.sys.timezone': 'UTC',
  'persist.sys.locale': 'en-US',
  'sys.boot_completed': '1',
  'init.svc.bootanim': 'stopped',
};

export const ANDROID_COMMANDS: Readonly<Record<string, ShellProgram>> = {
  getprop: (args, io, { phone }) => {
    const [name] = args;
    const properties: Readonly<Record<string, string>> = { ...PROPERTIES, 'ro.serialno': phone.serial };
    if (name !== undefined) io.out(`${properties[name] ?? ''}\n`);
    else for (const [key, value] of Object.entries(properties)) io.out(`[${key}]: [${value}]\n`);
    return 0;
  },
  settings: (args, io) => {
    if (args[0] === 'get') io.out('null\n');
    return 0;
  },
  appops: () => 0,
  svc: () => 0,
  locksettings: () => 0,
  wm: (args, io) => {
    io.out(args[0] === 'density' ? 'Physical density: 240\n' : `Physical size: ${SCREEN.width}x${SCREEN.height}\n`);
    return 0;
  },
  input: (args, _io, { phone }) => {
    if (args[0] === 'keyevent' && /^(4|KEYCODE_BACK)$/.test(args[1] ?? '')) phone.back();
    if (args[0] === 'keyevent' && /^(3|KEYCODE_HOME)$/.test(args[1] ?? '')) phone.home();
    return 0;
  },
  logcat: async (_args, io) => {
    io.out('--------- beginning of main\n');
    await untilClosed(io);
    return 130;
  },
  ps: (args, io, { phone }) => {
    if (args.includes('--help')) {
      io.out('usage: ps [-AadefLlnwZ] [-gG GROUP,] [-k FIELD,] [-o FIELD,] [-p PID,]\n\n-A\tAll\n');
      return 0;
    }
    io.out('USER           PID  PPID     VSZ    RSS WCHAN            ADDR S NAME\n');
    for (const [name, pid] of phone.running)
      io.out(`u0_a100 ${String(pid).padStart(9)}     1 1000000  50000 0                   0 S ${name}\n`);
    return 0;
  },
  pidof: (args, io, { phone }) => {
    const pid = phone.running.get(args.at(-1) ?? '');
    if (pid === undefined) return 1;
    io.out(`${pid}\n`);
    return 0;
  },
  monkey: (args, io, { phone }) => {
    if (phone.open(args[args.indexOf('-p') + 1] ?? '')) return 0;
    io.err('** No activities found to run, monkey aborted.\n');
    return 252;
  },
  dumpsys: (args, io, { phone }) => dumpsys(args, io, phone),
  pm: (args, io, context) => packageManager(args, io, context.phone),
  cmd: (args, io, context) => {
    if (args[0] === 'package') return packageManager(args.slice(1), io, context.phone);
    return args[0] === 'notification' ? 0 : fail(io, `cmd: Can't find service: ${args[0] ?? ''}`);
  },
  am: (args, io, context) => activityManager(args, io, context),
  content: CONTENT_COMMAND,
};

function fail(io: ShellIo, message: string): number {
  io.err(`${message}\n`);
  return 1;
}

function dumpsys(args: readonly string[], io: ShellIo, phone: Phone): number {
  const [service = '', what = '', which = ''] = args;
  switch (service) {
    case 'window':
      io.out(windowDump(phone));
      return 0;
    case 'power':
      io.out('POWER MANAGER (dumpsys power)\n  mWakefulness=Awake\n  mHoldingDisplaySuspendBlocker=true\n');
      return 0;
    case 'battery':
      io.out('Current Battery Service state:\n  AC powered: true\n  level: 87\n  scale: 100\n  temperature: 271\n');
      return 0;
    case 'input_method':
      io.out('  mInputShown=false\n  mIsInputViewShown=false\n');
      return 0;
    case 'package': {
      const info = phone.packages.get(what);
      io.out(info ? packageDump(what, info) : `Unable to find package: ${what}\n`);
      return 0;
    }
    case 'activity':
      if (what === 'processes')
        for (const [name, pid] of phone.running) io.out(`  *APP* UID 10100 ProcessRecord{abc${pid} ${pid}:${name}/u0a100}\n`);
      else if (what === 'services') io.out(serviceDump(which, phone));
      return 0;
    case 'deviceidle':
      return 0;
    default:
      io.err(`Can't find service: ${service}\n`);
      return 0;
  }
}

function windowDump(phone: Phone): string {
  const activity = phone.packages.get(phone.front)?.activity ?? '.Main';
  const component = `${phone.front}/${activity}`;
  return [
    'WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)',
    `  Display: mDisplayId=0 init=${SCREEN.width}x${SCREEN.height} 240dpi cur=${SCREEN.width}x${SCREEN.height}`,
    `  mCurrentFocus=Window{abc1234 u0 ${component}}`,
    `  mFocusedApp=ActivityRecord{abc5678 u0 ${component} t7}`,
    '  mScreenOnEarly=true mScreenOnFully=true',
    '    mShowingLockscreen=false mDreamingLockscreen=false',
    '',
  ].join('\n');
}

function packageDump(name: string, { version }: InstalledPackage): string {
  const lines = version ? `    versionCode=${version.code} minSdk=26 targetSdk=33\n    versionName=${version.name}\n` : '';
  return `Packages:\n  Package [${name}] (abc1234):\n    userId=10100\n${lines}`;
}

function serviceDump(which: string, phone: Phone): string {
  // `package/.Service` asks for one service, and none of those runs.
  if (which.includes('/') || !phone.running.has(which)) return 'ACTIVITY MANAGER SERVICES (dumpsys activity services)\n  (nothing)\n';
  return `ACTIVITY MANAGER SERVICES (dumpsys activity services)\n  * ServiceRecord{abc u0 ${which}/.ForegroundService}\n    isForeground=true foregroundId=1\n`;
}

async function packageManager(args: readonly string[], io: ShellIo, phone: Phone): Promise<number> {
  const [verb = ''] = args;
  switch (verb) {
    case 'list':
      if (args[1] === 'instrumentation') {
        if (phone.packages.has(UIA2_TEST_PACKAGE))
          io.out(`instrumentation:${UIA2_TEST_PACKAGE}/androidx.test.runner.AndroidJUnitRunner (target=${UIA2_PACKAGE})\n`);
      } else {
        const wanted = args.slice(2).find((arg) => !arg.startsWith('-')) ?? '';
        const versions = args.includes('--show-versioncode');
        for (const [name, { version }] of phone.packages)
          if (name.includes(wanted)) io.out(`package:${name}${versions ? ` versionCode:${version?.code ?? 1}` : ''}\n`);
      }
      return 0;
    case 'path':
      if (!phone.packages.has(args[1] ?? '')) return 1;
      io.out(`package:/data/app/${args[1]}/base.apk\n`);
      return 0;
    case 'resolve-activity': {
      const name = args.at(-1) ?? '';
      const activity = phone.packages.get(name)?.activity;
      io.out(
        activity
          ? `priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false\n${name}/${activity}\n`
          : 'No activity found\n',
      );
      return 0;
    }
    case 'install':
      return install(args, io);
    case 'uninstall':
      if (!phone.packages.delete(args.at(-1) ?? '')) return fail(io, 'Failure [DELETE_FAILED_INTERNAL_ERROR]');
      io.out('Success\n');
      return 0;
    default:
      return 0;
  }
}

/** Takes the bytes of an apk and forgets them: nothing of it would run here. */
async function install(args: readonly string[], io: ShellIo): Promise<number> {
  const flag = args.indexOf('-S');
  let missing = flag === -1 ? 0 : Number(args[flag + 1]);
  if (missing > 0) {
    // Not destroyed when the loop ends: the answer goes out on the same stream.
    for await (const chunk of io.stdin.iterator({ destroyOnReturn: false })) {
      missing -= (chunk as Buffer).length;
      if (missing <= 0) break;
    }
  }
  if (missing > 0) return fail(io, 'Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]');
  io.out('Success\n');
  return 0;
}

const activityManager: ShellProgram = async (args, io, { phone, uia2, clock }) => {
  const [verb = ''] = args;
  const option = (name: string): string => (args.includes(name) ? (args[args.indexOf(name) + 1] ?? '') : '');
  switch (verb) {
    case 'start':
    case 'start-activity': {
      const component = option('-n') || (args.at(-1) ?? '');
      io.out(`Starting: Intent { cmp=${component} }\n`);
      if (!phone.open(component.split('/')[0] ?? '')) {
        io.out(`Error type 3\nError: Activity class {${component}} does not exist.\n`);
        return 1;
      }
      return 0;
    }
    case 'force-stop':
      phone.forceStop(args.at(-1) ?? '');
      return 0;
    case 'broadcast': {
      const action = option('-a');
      if (action === `${SETTINGS_APP}.scan_media`) scanMedia(phone, option('path'), clock.now());
      if (action === 'android.intent.action.MEDIA_SCANNER_SCAN_FILE') scanMedia(phone, pathOfUri(option('-d')), clock.now());
      io.out(`Broadcasting: Intent { act=${action} }\nBroadcast completed: result=${action.startsWith(SETTINGS_APP) ? -1 : 0}\n`);
      return 0;
    }
    case 'instrument': {
      const ended = new Promise<void>((resolve) => uia2.start(resolve));
      await Promise.race([ended, untilClosed(io)]);
      io.out('INSTRUMENTATION_RESULT: shortMsg=Process crashed.\nINSTRUMENTATION_CODE: 0\n');
      return 0;
    }
    default:
      return fail(io, `Unknown command: ${verb}`);
  }
};

function pathOfUri(uri: string): string {
  const path = uri.replace(/^file:\/\//, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * Plays Appium as a process: answers /status on its port, has a child in its
 * group, and misbehaves as FAKE_APPIUM says. Started by the tests only.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const mode = process.env.FAKE_APPIUM ?? 'good';
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const say = (text) => process.stdout.write(`${JSON.stringify({ level: 'info', message: text })}\n`);

if (mode === 'crash') {
  process.stderr.write('[ERROR] Unrecognized arguments: --bogus\n');
  process.exit(1);
}
if (mode === 'no-driver') {
  process.stderr.write("Error: Could not load the driver 'uiautomator2' because it is not installed.\n");
  process.exit(1);
}
if (mode === `bind-fails-on-${port}`) {
  process.stderr.write(`Could not configure Appium server. Original error: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`);
  process.exit(1);
}
if (mode === 'steals') {
  // Somebody who answers on the port, and is not the process that was started.
  const { FAKE_APPIUM: _mode, ...env } = process.env;
  spawn(process.execPath, process.argv.slice(1), { env, stdio: 'ignore' });
  setInterval(() => undefined, 1000);
} else if (mode === 'mute') {
  say('[Appium] thinking');
  setInterval(() => undefined, 1000);
} else {
  const grandchild = spawn('sleep', ['300'], { stdio: 'ignore' });
  say(`grandchild ${grandchild.pid}`);
  createServer((request, response) => {
    say(`[HTTP] --> GET ${request.url} `);
    response.end(JSON.stringify({ value: { ready: true, env: { home: process.env.APPIUM_HOME } } }));
  }).listen(port, '127.0.0.1');
}

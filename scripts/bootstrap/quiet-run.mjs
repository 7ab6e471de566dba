// Runs a long command quietly: its output goes to a log file, one line tells
// how long it has taken, and the end of the log is shown when it fails.
// Runs under bare Node 20 and knows nothing about what is installed.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

const TAIL_LINES = 25;
const isTerminal = process.stderr.isTTY === true;

/**
 * @param {{title: string, command: string, args: string[], log: string, cwd: string, env?: object}} job
 * @returns {Promise<boolean>} false when it failed; the reason has been shown
 */
export async function quietRun(job) {
  const startedMs = Date.now();
  const elapsed = () => `${((Date.now() - startedMs) / 1000).toFixed(0)} s`;
  const show = (text) => process.stderr.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  show(`${job.title} …`);
  const ticker = isTerminal ? setInterval(() => show(`${job.title} … ${elapsed()}`), 1000) : null;
  const output = openSync(job.log, 'a');
  const code = await new Promise((resolve) => {
    const child = spawn(job.command, job.args, { cwd: job.cwd, env: job.env ?? process.env, stdio: ['ignore', output, output] });
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', pass).on('SIGTERM', pass);
    const finish = (result) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      resolve(result);
    };
    child.on('error', (error) => finish(error.message));
    child.on('exit', (exitCode, signal) => finish(signal ?? exitCode));
  });
  closeSync(output);
  if (ticker) clearInterval(ticker);
  show(code === 0 ? `${job.title}: done in ${elapsed()}` : `${job.title}: failed (${code}) after ${elapsed()}; the log is ${job.log}`);
  if (isTerminal) process.stderr.write('\n');
  if (code !== 0) process.stderr.write(`${tail(job.log)}\n`);
  return code === 0;
}

function tail(file) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}

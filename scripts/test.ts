/**
 * `npm test`: everything that must hold before a change is kept, one stage after
 * the other, each with one line. The last line is `N passed, N failed`, counting
 * every test and every other stage as one. Run under Node 24 by bootstrap.mjs.
 *
 * A stage's output is shown only when it failed. It must not know what is tested.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

interface Stage {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
}

const STAGES: readonly Stage[] = [
  { title: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { title: 'build', command: 'node', args: ['scripts/prepare.mjs', '--strict'] },
  { title: 'format and lint', command: 'biome', args: ['check', '.'] },
  { title: 'typed lint', command: 'oxlint', args: ['--type-aware', '-c', '.oxlintrc.json'] },
  { title: 'dead code', command: 'knip', args: [] },
  { title: 'lockfile', command: 'node', args: ['scripts/check-lockfile.ts'] },
];

const SLOWEST_SHOWN = 5;

const root = join(import.meta.dirname, '..');
// Colours are for people: a log that is read later holds none.
const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
const children = new Set<ReturnType<typeof spawn>>();

function run(stage: Stage, showLive: boolean): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(stage.command, stage.args, {
      cwd: root,
      env,
      stdio: ['ignore', showLive ? 'inherit' : 'pipe', showLive ? 'inherit' : 'pipe'],
    });
    children.add(child);
    let output = '';
    child.stdout?.on('data', (bytes) => {
      output += bytes;
    });
    child.stderr?.on('data', (bytes) => {
      output += bytes;
    });
    child.on('error', (error) => {
      output += error.message;
      resolve({ code: 1, output });
    });
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code: code ?? 1, output });
    });
  });
}

async function timed(stage: Stage, showLive = false): Promise<boolean> {
  const startedMs = performance.now();
  const { code, output } = await run(stage, showLive);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (code !== 0 && !showLive) process.stdout.write(`${output.trimEnd()}\n`);
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${stage.title} (${seconds} s)\n`);
  return code === 0;
}

interface TestReport {
  readonly testResults: readonly { readonly name: string; readonly startTime: number; readonly endTime: number }[];
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

/** The files that took longest, for whoever wants the whole to be faster. */
function slowest(report: TestReport): string[] {
  const files = report.testResults.map(({ name, startTime, endTime }) => ({
    name: relative(root, name),
    seconds: (endTime - startTime) / 1000,
  }));
  const first = files.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  return first.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)} s`);
}

/** Runs vitest with the coverage of src/domain; what it reports in its file is what counts. */
async function runTests(extra: readonly string[]): Promise<{ passed: number; failed: number }> {
  // A folder of this run's own: two runs at once must not clear each other's coverage.
  const folder = mkdtempSync(join(tmpdir(), 'posting-scheduler-test-'));
  const file = join(folder, 'report.json');
  const args = [
    'run',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${file}`,
    '--coverage',
    `--coverage.reportsDirectory=${join(folder, 'coverage')}`,
  ];
  try {
    const ok = await timed({ title: 'tests, every branch of src/domain covered', command: 'vitest', args: [...args, ...extra] }, true);
    const report = JSON.parse(readFileSync(file, 'utf8')) as TestReport;
    process.stdout.write(`slowest: ${slowest(report).join(', ')}\n`);
    const passed = report.numPassedTests;
    // A failed run in which no test failed: coverage, an error outside a test, or no test at all.
    const failed = report.numFailedTests + (report.numFailedTests === 0 && (!ok || passed === 0) ? 1 : 0);
    return { passed, failed };
  } catch (error) {
    process.stdout.write(`vitest left no report: ${String(error)}\n`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exitCode = 1;
  });
}

let passed = 0;
let failed = 0;
for (const stage of STAGES) {
  if (await timed(stage)) passed += 1;
  else failed += 1;
}
const tests = await runTests(process.argv.slice(2));
passed += tests.passed;
failed += tests.failed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0) process.exitCode = 1;

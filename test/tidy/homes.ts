/**
 * Calls with one home: time, randomness, environment, the process's end. They
 * are injected everywhere else, so that tests can turn them. The table is the
 * rule; comments and strings do not count.
 */
import type { Finding, Rule } from './source-file.ts';

interface Home {
  readonly what: RegExp;
  /** The files that may; a rule without a home forbids it everywhere. */
  readonly homes: readonly string[];
  readonly instead: string;
}

const CLOCK = 'src/runtime/clock.ts';
/** A small program of its own that people start by hand. */
const PHONE_PROGRAM = 'src/devices/simulated/phone-cli.ts';

const HOMES: readonly Home[] = [
  { what: /\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bprocess\.hrtime\b/, homes: [CLOCK], instead: 'take a Clock' },
  { what: /\bDateTime\.(?:now|local)\(|\bDateTime\.utc\(\)/, homes: [CLOCK], instead: 'take a Clock; DateTime.fromMillis(clock.now())' },
  { what: /\bset(?:Timeout|Interval)\b/, homes: [CLOCK], instead: 'clock.sleep(ms, reason, signal)' },
  { what: /\bAbortSignal\.timeout\b/, homes: [CLOCK], instead: 'withLimit of runtime/clock.ts' },
  {
    what: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/,
    homes: ['src/runtime/random.ts'],
    instead: 'take a Random',
  },
  { what: /\bprocess\.env\b/, homes: ['src/runtime/environment.ts'], instead: 'environment() of runtime/environment.ts' },
  { what: /\bprocess\.exit\(/, homes: ['src/main.ts'], instead: 'throw, or return an exit code' },
  { what: /\bprocess\.exitCode\b/, homes: ['src/main.ts', PHONE_PROGRAM], instead: 'throw, or return an exit code' },
  { what: /\bconsole\./, homes: [], instead: 'a logger or a writer function comes through the constructor' },
];

export const callsHaveOneHome: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => path.startsWith('src/'))) {
    for (const [index, line] of file.code.split('\n').entries()) {
      for (const { what, homes, instead } of HOMES) {
        const found = what.exec(line);
        if (found && !homes.includes(file.path)) findings.push(`${file.path}:${index + 1}: ${found[0]}; instead: ${instead}`);
      }
    }
    for (const imported of file.imports) {
      if (/^node:timers\b/.test(imported.specifier) && file.path !== CLOCK) {
        findings.push(`${file.path}:${imported.line}: imports ${imported.specifier}; instead: clock.sleep(ms, reason, signal)`);
      }
    }
  }
  return findings;
};

/** A face is missing where a module must be replaced; a test left `only` hides all others. */
export const testsAreHonest: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => /^test\/.*\.ts$/.test(path))) {
    for (const [index, line] of file.code.split('\n').entries()) {
      if (/\bvi\.(?:mock|doMock)\(/.test(line)) findings.push(`${file.path}:${index + 1}: vi.mock; pass a fake through the constructor`);
      if (/\b(?:describe|it|test)\.only\b/.test(line)) findings.push(`${file.path}:${index + 1}: .only hides the other tests`);
      if (/\bretry:\s*[1-9]/.test(line) && /\b(?:describe|it|test)\(/.test(line))
        findings.push(`${file.path}:${index + 1}: a failed test is not run again`);
    }
  }
  return findings;
};

/**
 * A simulated day: 1,000 accounts, 100 phones, 1,000 posts, phones that take as
 * long as measured on the ancestor's files and fail more often. Production
 * scheduler and SQLite store on virtual time; the ancestor's policy in the same
 * world for comparison, with its ten workers and with as many as ours.
 *
 * node bench/day.ts [first seed] [seeds]
 */
import { ancestorsDay } from '../test/simulation-day/ancestor.ts';
import { DAY_FAULTS, type DayRequest, type Figures, figuresOf, NAMED_FAULTS, simulateDay } from '../test/simulation-day/day.ts';
import { below, besides, type Figure, report, shown, spreadOf } from './figures.ts';

/** By default days that nothing was tuned on. */
const [first = 101, seeds = 5] = process.argv.slice(2).map(Number);
const SEEDS = Array.from({ length: seeds }, (_, index) => first + index);
const DAY: Omit<DayRequest, 'seed'> = {
  phones: 100,
  accounts: 1_000,
  jobsPerAccount: 1,
  workers: 100,
  postsPerDay: 1,
  startMs: Date.UTC(2026, 0, 5, 8),
  faults: DAY_FAULTS,
  bursts: { count: 4, share: 0.1, withinMs: 2_400_000 },
  limitMs: 24 * 3_600_000,
};
/** CPU and not wall time: the machine may be shared. */
const cpuSeconds = (since: NodeJS.CpuUsage) => (process.cpuUsage(since).user + process.cpuUsage(since).system) / 1e6;

const ours: Figures[] = [];
const named: Figures[] = [];
const theirs = new Map<number, Figures[]>([
  [10, []],
  [100, []],
]);
const seconds: number[] = [];
let overlaps = 0;
for (const seed of SEEDS) {
  const before = process.cpuUsage();
  const { rack, jobs, accounts, startMs } = await simulateDay({ ...DAY, seed });
  seconds.push(cpuSeconds(before));
  overlaps += rack.overlaps;
  ours.push(figuresOf(rack, jobs, startMs));
  const easier = await simulateDay({ ...DAY, seed, faults: NAMED_FAULTS });
  named.push(figuresOf(easier.rack, easier.jobs, startMs));
  const phoneOf = new Map(accounts.map(({ name, device }) => [name, device ?? '']));
  const same = jobs.map(({ id, account, sha256 }) => ({
    id,
    account: account ?? '',
    sha256: sha256 ?? '',
    device: phoneOf.get(account ?? '') ?? '',
  }));
  for (const [workers, figures] of theirs) {
    const phones = [...new Set(phoneOf.values())];
    const { faults, bursts } = DAY;
    figures.push(figuresOf(await ancestorsDay({ jobs: same, phones, workers, startMs, seed, faults, bursts }), same, startMs));
  }
}

const percent = (figures: readonly Figures[], key: 'publishedShare' | 'wastedShare') =>
  shown(spreadOf(figures.map((one) => one[key] * 100)), ' %', 2);
const median = (key: keyof Figures) => spreadOf(ours.map((one) => one[key])).median;
const makespans = (figures: readonly Figures[]) => spreadOf(figures.map((one) => one.makespanRatio));
const doubles = (figures: readonly Figures[]) => figures.reduce((sum, one) => sum + one.doublePosts, 0);
const figures: Figure[] = [
  below('not published of what could be', `${percent(ours, 'publishedShare')} published`, (1 - median('publishedShare')) * 100, 0.5, ' %'),
  below('posts made twice', String(doubles(ours)), doubles(ours), 1, ''),
  below('accounts or phones used twice at a time', String(overlaps), overlaps, 1, ''),
  below(
    "makespan against the busiest phone's successes alone, failures as the files name them",
    shown(makespans(named), ' x', 2),
    makespans(named).median,
    1.1,
    ' x',
  ),
  besides('the same on this harder day', shown(makespans(ours), ' x', 2)),
  below(
    'makespan against the phone with most to do, failures and rests included',
    shown(spreadOf(ours.map((one) => one.ownLossRatio)), ' x', 3),
    median('ownLossRatio'),
    1.02,
    ' x',
  ),
  below('phone time wasted by machines', percent(ours, 'wastedShare'), median('wastedShare') * 100, 8, ' %'),
  below('CPU of one simulated day', shown(spreadOf(seconds), ' s', 1), spreadOf(seconds).median, 20, ' s'),
];
for (const [workers, some] of theirs) {
  const what = `the ancestor, ${workers} workers`;
  figures.push(besides(`${what}: published`, percent(some, 'publishedShare')));
  figures.push(besides(`${what}: posts made twice`, `${doubles(some)} in ${SEEDS.length} days`));
  figures.push(besides(`${what}: makespan`, shown(makespans(some), ' x', 2)));
  figures.push(besides(`${what}: phone time wasted`, percent(some, 'wastedShare')));
}
report('day', figures, { seeds: SEEDS, ours, ancestor: Object.fromEntries(theirs) });

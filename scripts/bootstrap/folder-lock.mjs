// One at a time: a lock that is a folder with its owner's name inside.
//
// A folder that already holds its owner's file is moved into place by one
// rename, which fails while another owner's folder stands there. A dead owner's
// file is removed by its exact name, so that two takers can never remove a
// living owner's lock: at worst both find the place empty and one rename wins.
// Runs under bare Node 20 and knows nothing about what it guards.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;

/** Start ticks of a process (Linux): with the pid they name one process for good. '0' where they cannot be read. */
function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

function isAlive(owner) {
  const [, pidText, ticks] = /^owner-(\d+)-(\d+)$/.exec(owner) ?? [];
  const pid = Number(pidText);
  if (!pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return ticks === '0' || startTicks(pid) === ticks;
}

/** The owners in the folder that are alive; the files of dead ones are removed. */
function livingOwners(folder) {
  let names = [];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.filter((name) => {
    if (isAlive(name)) return true;
    try {
      unlinkSync(join(folder, name));
    } catch {
      // Another taker was faster.
    }
    return false;
  });
}

function tryTake(folder, owner) {
  const mine = `${folder}.${owner}`;
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, owner), '');
  try {
    rmdirSync(folder); // Only an empty folder goes; Windows would refuse to rename onto it.
  } catch {
    // Held, or not there.
  }
  try {
    renameSync(mine, folder);
    return true;
  } catch {
    rmSync(mine, { recursive: true, force: true });
    return false;
  }
}

/**
 * Waits until the lock is ours; answers the function that gives it back.
 * `onWait(pid)` is called once, when somebody else holds it.
 */
export async function takeFolderLock(folder, onWait = () => {}) {
  const owner = `owner-${process.pid}-${startTicks(process.pid)}`;
  let told = false;
  for (;;) {
    const holders = livingOwners(folder);
    if (holders.length === 0 && tryTake(folder, owner)) break;
    if (!told && holders[0]) {
      told = true;
      onWait(Number(holders[0].split('-')[1]));
    }
    await sleep(POLL_MS);
  }
  return () => {
    try {
      unlinkSync(join(folder, owner));
      rmdirSync(folder);
    } catch {
      // Already given back.
    }
  };
}

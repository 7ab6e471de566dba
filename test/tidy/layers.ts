/**
 * Who may import whom (docs/architecture.md). The table is the rule: a folder
 * that is not in it may import nothing but itself until somebody decides where
 * it belongs.
 */
import type { Finding, Import, Rule, SourceFile } from './source-file.ts';

/** The one file by which the rest of the program reaches an edge. */
const FACES: Readonly<Record<string, string>> = {
  stores: 'src/stores/store.ts',
  devices: 'src/devices/device.ts',
  appium: 'src/appium/appium.ts',
  flows: 'src/flows/flow.ts',
  publishers: 'src/publishers/publisher.ts',
};

/** Folder -> what it may import besides itself and errors.ts: whole folders, and faces of edges. */
const MAY_IMPORT: Readonly<Record<string, { readonly folders: readonly string[]; readonly faces: readonly string[] }>> = {
  domain: { folders: [], faces: [] },
  runtime: { folders: ['domain'], faces: [] },
  config: { folders: ['domain', 'runtime'], faces: [] },
  stores: { folders: ['domain', 'runtime'], faces: [] },
  devices: { folders: ['domain', 'runtime'], faces: [] },
  appium: { folders: ['domain', 'runtime'], faces: ['devices'] },
  flows: { folders: ['domain', 'runtime'], faces: ['appium'] },
  publishers: { folders: ['domain', 'runtime'], faces: ['devices', 'appium', 'flows'] },
  scheduler: { folders: ['domain', 'runtime'], faces: ['stores', 'devices', 'appium', 'flows', 'publishers'] },
  control: { folders: ['domain', 'runtime', 'scheduler'], faces: [] },
  cli: { folders: ['domain', 'runtime', 'scheduler', 'control'], faces: [] },
  http: { folders: ['domain', 'runtime', 'scheduler'], faces: [] },
  notify: { folders: ['domain', 'runtime', 'scheduler'], faces: [] },
};

/** These wire the program, so they may import everything. */
const WIRING = /^src\/(?:main|compose(?:-[a-z]+)*)\.ts$/;

/** `src/stores/sqlite.ts` -> `stores`; a file directly in src is its own folder, `src/config.ts` and `src/config-file.ts` are `config`. */
function folderOf(path: string): string {
  const [, folder = '', rest] = path.split('/');
  return rest === undefined ? (folder.split(/[-.]/)[0] ?? '') : folder;
}

function whyForbidden(file: SourceFile, imported: Import): string | null {
  const target = imported.target;
  if (target === null || target === 'src/errors.ts') return null;
  if (!target.startsWith('src/')) return 'the program imports nothing outside src';
  const own = folderOf(file.path);
  const other = folderOf(target);
  if (own === other) return null;
  const allowed = MAY_IMPORT[own] ?? { folders: [], faces: [] };
  if (allowed.folders.includes(other)) return null;
  if (allowed.faces.includes(other)) return target === FACES[other] ? null : `${other} is reached by its face only: ${FACES[other]}`;
  return `${own} may not import ${other}`;
}

export const importsFollowTheLayers: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files) {
    // errors.ts is everybody's, so it may know the words of the domain only.
    if (!file.path.startsWith('src/') || WIRING.test(file.path)) continue;
    for (const imported of file.imports) {
      if (file.path === 'src/errors.ts' && imported.target?.startsWith('src/domain/')) continue;
      const why = whyForbidden(file, imported);
      if (why !== null) findings.push(`${file.path}:${imported.line}: imports ${imported.specifier}, but ${why}`);
    }
  }
  return findings;
};

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\basync\b|\bawait\b|\bPromise\b/, 'is asynchronous'],
  [/\bprocess\.|\bglobalThis\b/, 'knows the process'],
];

/** domain/ is pure: no I/O, no async, no package but luxon. */
export const domainIsPure: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => path.startsWith('src/domain/'))) {
    for (const imported of file.imports) {
      if (imported.target === null && imported.specifier !== 'luxon') {
        findings.push(`${file.path}:${imported.line}: domain/ imports ${imported.specifier}; it may import luxon and nothing else`);
      }
    }
    for (const [index, line] of file.code.split('\n').entries()) {
      for (const [pattern, what] of IMPURE) {
        if (pattern.test(line)) findings.push(`${file.path}:${index + 1}: domain/ ${what}; move it to scheduler/ or behind a face`);
      }
    }
  }
  return findings;
};

/** Packages with more than one home, and why that is so. */
const MORE_HOMES: Readonly<Record<string, { readonly homes: number; readonly why: string }>> = {
  'better-sqlite3': { homes: 2, why: 'the store, and the kernel lock' },
};

/** A third-party package is known to one file; the rest of the program knows that file. */
export const packagesHaveOneHome: Rule = (files) => {
  const homes = new Map<string, Set<string>>();
  for (const file of files.filter(({ path }) => path.startsWith('src/'))) {
    for (const { packageName } of file.imports) {
      if (packageName !== null) homes.set(packageName, (homes.get(packageName) ?? new Set()).add(file.path));
    }
  }
  const findings: Finding[] = [];
  for (const [name, paths] of homes) {
    const allowed = MORE_HOMES[name] ?? { homes: 1, why: 'one home for each package' };
    if (paths.size > allowed.homes)
      findings.push(`package ${name} has ${paths.size} homes (${[...paths].join(', ')}); allowed: ${allowed.homes}, ${allowed.why}`);
  }
  return findings;
};

/**
 * A lockfile written while some platform's packages could not be had lacks them,
 * and `npm ci` then refuses its own lockfile on that platform. Every optional
 * dependency must therefore have its entry. It must name no registry either:
 * everybody installs from the one they have configured.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

const text = readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8');
const packages = (JSON.parse(text) as { packages: Record<string, LockedPackage> }).packages;
const problems: string[] = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const isThere = `node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages;
    if (!isThere) problems.push(`${path || 'package.json'} wants ${name}, which is not locked: pin a version that locks completely`);
  }
  if (entry.resolved?.startsWith('http')) problems.push(`${path} names a registry: install with omit-lockfile-registry-resolved=true`);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;

/** The machine, as far as `--doctor` looks at it: the seam behind which tests put machines on which something is missing. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Environment } from '../runtime/environment.ts';
import { type ServiceHost, thisHost } from './service/host.ts';

export interface Machine {
  readonly node: { readonly version: string; readonly path: string };
  /** The version of a package that is installed with us. @throws when it is not */
  packageVersion(name: string): string;
  freeBytes(folder: string): Promise<number>;
  /** Whether a time server keeps the clock right; null = nobody can say. */
  keepsTime(): boolean | null;
  readonly service: ServiceHost;
}

export function thisMachine(environment: Environment): Machine {
  const require = createRequire(import.meta.url);
  return {
    node: { version: process.versions.node, path: process.execPath },
    packageVersion: (name) => (require(`${name}/package.json`) as { readonly version: string }).version,
    freeBytes: async (folder) => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    keepsTime: () => (existsSync('/run/systemd/timesync') ? existsSync('/run/systemd/timesync/synchronized') : null),
    service: thisHost(environment),
  };
}

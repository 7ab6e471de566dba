/** pino-roll 4 has no types of its own; these are the parts that logger.ts uses, from its source. */
declare module 'pino-roll' {
  import type { EventEmitter } from 'node:events';

  interface RollingFile extends EventEmitter {
    /** The file that is written to now. */
    readonly file: string;
    write(line: string): boolean;
    end(): void;
    /** Closes without writing what is left. */
    destroy(): void;
  }

  export default function openRollingFile(options: {
    readonly file: string;
    readonly extension: string;
    readonly dateFormat: string;
    readonly frequency: 'daily' | 'hourly' | number;
    readonly size: string;
    readonly limit: { readonly count: number; readonly removeOtherLogFiles: boolean };
    readonly sync: boolean;
    /** Bytes kept in memory while nothing can be written. */
    readonly maxLength: number;
  }): Promise<RollingFile>;
}

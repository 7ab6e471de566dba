#!/usr/bin/env node
// The program's door: looks at the Node version before anything is imported,
// because an older Node does not fail with words here, it crashes inside a
// native package. Plain JavaScript that any Node since 14.8 can read.
import module from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `scheduler needs Node 24.11 or newer, this is ${process.versions.node}: install it from https://nodejs.org, or start it by "npx scheduler" in the program folder.\n`,
  );
  process.exit(2);
} else {
  // Halves the time to the first line of --status.
  module.enableCompileCache();
  await import('../dist/main.js');
}

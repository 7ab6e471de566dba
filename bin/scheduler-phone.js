#!/usr/bin/env node
// Checks the Node version before anything is imported: older ones fail on the imports themselves.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `scheduler-phone needs Node 24.11 or later; this is ${process.versions.node}. See https://nodejs.org, or run it by \`npx scheduler-phone\` in its folder.\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import('../dist/devices/simulated/phone-cli.js');
  await main();
}

// Given to node by --import: names on standard error, at the end, every package of which a file was loaded.
import { registerHooks } from 'node:module';

const packages = new Set();
registerHooks({
  load: (url, context, next) => {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write([...packages].sort().join(' ')));

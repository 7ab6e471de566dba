/** The systemd unit as text: the template of `service/systemd/` filled in, and what a filled-in one says. Pure. */

export interface UnitValues {
  /** Absolute path of the Node that runs us. */
  readonly node: string;
  /** The program's own folder. */
  readonly program: string;
  readonly home: string;
  readonly user: string;
  /** What the unit may write to besides the home; absolute paths. */
  readonly writable: readonly string[];
  readonly privateTmp: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws Error when the template asks for something that is not known */
export function fillUnit(template: string, values: UnitValues): string {
  const { node, program, home, user, writable, privateTmp, environment } = values;
  const filled: Readonly<Record<string, string>> = {
    NODE: quoted(node, '$'),
    ENTRY: quoted(`${program}/bin/scheduler.js`, '$'),
    HOME: quoted(home, '$'),
    HOME_TEXT: specifiers(home),
    PROGRAM_TEXT: specifiers(encodeURI(program)),
    USER: specifiers(user),
    WRITABLE: [quoted(home), ...writable.map((path) => quoted(`-${path}`))].join(' '),
    PRIVATE_TMP: privateTmp ? 'yes' : 'no',
    ENVIRONMENT: Object.entries(environment)
      .map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`)
      .join('\n'),
  };
  return template.replace(/@([A-Z_]+)@/g, (_whole, name: string) => {
    const value = filled[name];
    if (value === undefined) throw new Error(`the unit's template asks for ${name}`);
    return value;
  });
}

/** The home for which a unit was filled in; null = it is not one of ours. */
export function homeOfUnit(text: string): string | null {
  const command = /^ExecStart=.*?\/bin\/scheduler\.js" --home "((?:[^"\\]|\\.)*)" --run$/m.exec(text)?.[1];
  return command === undefined ? null : command.replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$');
}

/** systemd.syntax(7): quotes and backslashes are escaped, `%` opens a specifier; in a command line `$` opens a variable. */
function quoted(text: string, also = ''): string {
  const escaped = specifiers(text).replace(/["\\]/g, '\\$&');
  return `"${also === '$' ? escaped.replaceAll('$', '$$$$') : escaped}"`;
}

function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

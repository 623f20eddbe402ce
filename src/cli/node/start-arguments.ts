/** Parses the command line of kafka-server-start. kafka-server-stop uses it too, to read the properties of running nodes. */
import { parseProperties } from '../../config/properties-file.ts';
import { ToolError } from '../tool.ts';
import { readPropertiesFile } from './properties-path.ts';

const usage = 'USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*\n';

export interface StartCommand {
  readonly isDaemon: boolean;
  readonly file: string;
  readonly overrides: ReadonlyMap<string, string>;
}

/** Reads the command line. Throws `ToolError`. */
export function parseStart(args: readonly string[]): StartCommand {
  const rest = [...args];
  let isDaemon = false;
  // Kafka's script has -daemon; its kafka-run-class also has -name (of the output file) and -loggc (of the JVM), without effect
  // here.
  for (;;) {
    if (rest[0] === '-daemon') isDaemon = true;
    else if (rest[0] === '-name') rest.shift();
    else if (rest[0] !== '-loggc') break;
    rest.shift();
  }
  const file = rest.shift();
  if (file === undefined || file === '--help' || file === '-h') throw new ToolError(usage);
  const overrides = new Map<string, string>();
  while (rest.length > 0) {
    const word = rest.shift() as string;
    const inline = word.startsWith('--override=') ? word.slice('--override='.length) : undefined;
    if (word !== '--override' && inline === undefined) {
      throw new ToolError(`Found non argument parameters: ${word}\n${usage}`);
    }
    const pair = inline ?? rest.shift();
    const at = pair?.indexOf('=') ?? -1;
    if (pair === undefined || at < 1)
      throw new ToolError(`Invalid command line properties: ${pair ?? ''}\n${usage}`);
    overrides.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return { isDaemon, file, overrides };
}

/** Returns the properties of the file with the overrides of the command line. Throws `ToolError`. */
export function readStartProperties(command: StartCommand): Map<string, string> {
  return new Map([...parseProperties(readPropertiesFile(command.file)), ...command.overrides]);
}

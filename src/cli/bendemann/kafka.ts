/** `bendemann kafka TOOL …`: runs one of Kafka's tools, named with or without `kafka-`. */
import type { CliIo } from '../tool.ts';
import { tools } from '../tools.ts';

const own = 'bendemann';

export async function kafka(tool: string | undefined, words: readonly string[], io: CliIo): Promise<number> {
  const names = tools.map(({ name }) => name).filter((name) => name !== own);
  const listed = names.map((name) => `  ${name.replace(/^kafka-/, '')}\n`).join('');
  if (tool === undefined || tool === '--help' || tool === '-h') {
    io.stdout(`Usage: bendemann kafka TOOL [words of the tool]\n\nTools:\n${listed}`);
    return tool === undefined ? 1 : 0;
  }
  const bare = tool.replace(/\.sh$/, '');
  const name = names.find((one) => one === bare || one === `kafka-${bare}`);
  if (name === undefined) {
    io.stderr(`error: there is no tool '${tool}'. Tools:\n${listed}`);
    return 1;
  }
  const { loadTool } = await import('../entry.ts');
  const main = await loadTool(name);
  return main(words, io);
}

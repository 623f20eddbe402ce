/**
 * Parses the options of a script, as `parseArgs` of Node.js does. With `--help` it prints the comment at the head of the
 * script. A wrong option ends the process with a message, the usage (the paragraph of that comment which begins with "usage:"),
 * and status 2.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { root } from './ready.mjs';

/**
 * `number`: not negative; in the result it is a number.
 *
 * @typedef {{
 *   type: 'string' | 'boolean' | 'number',
 *   default?: string | boolean | number | string[],
 *   multiple?: boolean
 * }} Option
 */

/**
 * @param {string} url `import.meta.url` of the script
 * @param {Record<string, Option>} options
 * @param {readonly string[] | null} words Arguments without `--` that are accepted; null: any
 * @returns {{ values: Record<string, any>, positionals: string[], refuse: (message: string) => never }}
 *   `refuse` ends the process as a wrong option does.
 */
export function scriptOptions(url, options, words = []) {
  const path = fileURLToPath(url);
  const refuse = (message) => {
    console.error(`${relative(root, path)}: ${message}\n\n${usageOf(path)}`);
    process.exit(2);
  };
  try {
    /** @type {{ values: Record<string, any>, positionals: string[] }} */
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { help: { type: 'boolean' }, ...Object.fromEntries(Object.entries(options).map(asText)) },
    });
    if (values.help) {
      console.log(commentOf(path));
      process.exit(0);
    }
    for (const [name, { type }] of Object.entries(options))
      if (type === 'number' && values[name] !== undefined) values[name] = numberOf(name, values[name]);
    const unknown = words === null ? [] : positionals.filter((word) => !words.includes(word));
    if (unknown.length > 0) {
      const known = words?.length > 0 ? `; there are: ${words.join(', ')}` : '';
      throw new Error(`unexpected argument '${unknown[0]}'${known}`);
    }
    return { values, positionals, refuse };
  } catch (error) {
    return refuse(error.message.split('. ')[0]);
  }
}

function asText([name, option]) {
  if (option.type !== 'number') return [name, option];
  return [name, { type: 'string', ...('default' in option ? { default: String(option.default) } : {}) }];
}

function numberOf(name, text) {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0)) throw new Error(`--${name}: '${text}' is not a number`);
  return number;
}

/** The text of the comment at the head of the file. */
function commentOf(path) {
  const comment = readFileSync(path, 'utf8').match(/^\/\*\*([\s\S]*?)\*\//)?.[1] ?? '';
  return comment.replaceAll(/^ ?\*? ?/gm, '').trim();
}

function usageOf(path) {
  return commentOf(path)
    .split(/\n\s*\n/)
    .find((paragraph) => paragraph.startsWith('usage:'));
}

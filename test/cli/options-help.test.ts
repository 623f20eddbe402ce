import { describe, expect, test } from 'vitest';
import { optionsHelp } from '../../src/cli/arguments/options-help.ts';

const lines = (help: string): string[] =>
  optionsHelp({ x: { help } })
    .split('\n')
    .slice(2)
    .map((line) => line.slice('Option  '.length).trimEnd())
    .filter((line) => line !== '');

describe('the help of options', () => {
  test('has columns that are as wide as their content', () => {
    expect(optionsHelp({ list: { help: 'All.' }, 'topic-name': { argument: 't', help: 'One.' } })).toBe(
      [
        'Option                    Description',
        '------                    -----------',
        '--list                    All.       ',
        '--topic-name <String: t>  One.       ',
        '',
      ].join('\n'),
    );
  });

  test('marks required options with * and shows defaults', () => {
    const help = optionsHelp({
      a: { argument: 'n', type: 'Integer', isRequired: true, default: '3', help: 'N.' },
    });
    expect(help).toContain('Option (* = required)');
    expect(help).toContain('* --a <Integer: n>');
    expect(help).toContain('N. (default: 3)');
  });

  test.each([
    ['breaks after a colon', `${'x'.repeat(60)} localhost:9092`, '  localhost:'],
    ['keeps a negative number together', `${'x'.repeat(69)} -5 or`, '  -5 or'],
    ['keeps slashes together', `${'y'.repeat(65)} clients/users`, '  clients/users'],
    ['breaks after the hyphens of an option', `${'x'.repeat(65)} --describe`, '  describe'],
  ])('%s', (_name, help, expected) => {
    const found = lines(help);
    if (expected === '  localhost:') expect(found.some((line) => line.endsWith('localhost:'))).toBe(true);
    else expect(found).toContain(expected);
  });
});

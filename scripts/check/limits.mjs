/**
 * Checks the tables of docs/limits.md that have a column `test`. The files that a row names must exist. Each bound of a row (a
 * property, or a constant or method of the code) must occur in a file that enforces it and in one of its tests. When the code
 * assigns a number to the constant, the row must have the same number. `tidy.mjs` calls it.
 */
import { readFileSync } from 'node:fs';

const document = 'docs/limits.md';

function cellsOf(line) {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function quoted(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text);
}

const bytesOfUnit = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Returns the numbers in a cell: times in milliseconds, sizes in bytes. */
function quantities(cell) {
  const numbers = cell.replaceAll(/2\^(\d+)( - 1)?/g, (_all, power, less) =>
    String(2 ** Number(power) - (less === undefined ? 0 : 1)),
  );
  return [...numbers.matchAll(/(\d[\d,]*\d|\d)(?: (KiB|MiB|GiB|s\b))?/g)].map(([, digits, unit]) => {
    const number = Number(digits.replaceAll(',', ''));
    return unit === 's' ? number * 1000 : number * (bytesOfUnit[unit] ?? 1);
  });
}

/**
 * Returns the number that the source assigns to a constant or option. Null when the value is computed, or when the source does
 * not define it.
 */
function valueOf(name, source) {
  const found = new RegExp(`\\b${name}(?:(?:: number)? = |: )([^;,}\\n]+)[;,}]`).exec(source);
  const text = found?.[1]?.replaceAll('mebibyte', String(2 ** 20)).replaceAll('kibibyte', String(2 ** 10));
  if (text === undefined || !/^[\d_ xa-f*+<-]+$/.test(text)) return null;
  const value = Number(new Function(`return ${text}`)());
  return Number.isNaN(value) ? null : value;
}

/** `paths` are all files of the project, relative to `root`. Calls `report(file, line, text)` for each fault. */
export function checkLimits(root, paths, report) {
  const texts = new Map();
  const textOf = (path) => {
    if (!texts.has(path)) texts.set(path, readFileSync(`${root}/${path}`, 'utf8'));
    return texts.get(path);
  };
  const found = (top, names) =>
    names.map((name) => paths.find((path) => path.startsWith(top) && path.endsWith(`/${name}`)) ?? name);
  let hasTests = false;
  readFileSync(`${root}/${document}`, 'utf8')
    .split('\n')
    .forEach((line, at) => {
      if (!line.startsWith('|')) hasTests = false;
      else if (/\| test \|$/.test(line)) hasTests = true;
      else if (hasTests && !line.startsWith('| ---')) checkRow(cellsOf(line), at + 1);
    });

  function checkRow([what, bound, where, , test], at) {
    const names = quoted(bound.split(':')[0]);
    if (names.length === 0) report(document, at, `the bound of "${what}" has no name`);
    const [sources, tests] = [found('src/', quoted(where)), found('test/', quoted(test))];
    if (sources.length === 0 || tests.length === 0)
      report(document, at, `"${what}" has no source, or no test`);
    const missing = [...sources, ...tests].filter((path) => !paths.includes(path));
    for (const path of missing) report(document, at, `${path} is not there`);
    if (missing.length > 0) return;
    for (const name of names) {
      if (!sources.some((path) => textOf(path).includes(name)))
        report(document, at, `${name} does not occur in ${sources.join(', ')}`);
      for (const path of sources) {
        const value = valueOf(name, textOf(path));
        if (value !== null && !quantities(bound).includes(value))
          report(document, at, `${name} is ${value} in ${path}`);
      }
      if (!tests.some((path) => textOf(path).includes(name)))
        report(document, at, `${name} is named by none of ${tests.join(', ')}`);
    }
  }
}

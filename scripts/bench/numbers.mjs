/** Computes medians, formats values with their units, and prints the table of results. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function digits(value) {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cell(values) {
  if (values === undefined || values.length === 0) return '–';
  const middle = digits(median(values));
  if (values.length === 1) return middle;
  return `${middle} (${digits(Math.min(...values))}–${digits(Math.max(...values))})`;
}

/** The values of the runs, by what was measured and by system. */
export class Results {
  #rows = new Map();

  add(what, unit, system, value) {
    if (!Number.isFinite(value)) throw new Error(`${what} of ${system.name} was not measured`);
    const key = `${what}|${unit}`;
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = { what, unit, values: new Map() }));
    const values = row.values.get(system.name) ?? [];
    row.values.set(system.name, [...values, value]);
    console.error(`${system.name}: ${what}: ${digits(value)} ${unit}`);
  }

  /** Returns the table: the median, and the smallest and largest value when there were several runs. */
  table(systems) {
    const lines = [
      `| what | unit | ${systems.map(({ name }) => name).join(' | ')} |`,
      `|---|---|${systems.map(() => '---').join('|')}|`,
    ];
    for (const { what, unit, values } of this.#rows.values()) {
      lines.push(`| ${what} | ${unit} | ${systems.map(({ name }) => cell(values.get(name))).join(' | ')} |`);
    }
    return lines.join('\n');
  }
}

function javaVersion() {
  try {
    return execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  } catch {
    return 'no Java';
  }
}

export function machineLine() {
  const processors = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(1);
  return `${processors[0].model}, ${processors.length} cores, ${memory} GiB, ${process.platform} ${process.arch}, Node.js ${process.versions.node}, ${javaVersion()}`;
}

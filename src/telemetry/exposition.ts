/**
 * Writes metrics in Prometheus' text format, version 0.0.4. The format wants all lines of a metric together, but collectors
 * report values in any order. So lines are kept for each metric until all values are in.
 */
import { sameElements } from '../base/collections.ts';
import { metricRows, type MetricName, type Sink } from './metrics.ts';

export const expositionContentType = 'text/plain; version=0.0.4; charset=utf-8';

function escaped(value: string | number): string {
  return String(value).replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

export class Exposition {
  readonly #lines = new Map<MetricName, string[]>();
  /**
   * The labels of the last value, and their text. Many values in a row have the same labels, because a collector reports all
   * metrics of a partition one after the other; their text is made only once.
   */
  #last: {
    readonly names: readonly string[];
    readonly values: readonly (string | number)[];
    readonly text: string;
  } = { names: [], values: [], text: '' };

  readonly sink: Sink = (name, value, labels = [], extra = {}) => {
    const named = this.#labelText(metricRows[name].labels, labels);
    const quantile = extra.quantile === undefined ? '' : `quantile="${extra.quantile}"`;
    const inside = named !== '' && quantile !== '' ? `${named},${quantile}` : named + quantile;
    const shown = inside === '' ? '' : `{${inside}}`;
    let lines = this.#lines.get(name);
    if (lines === undefined) this.#lines.set(name, (lines = []));
    lines.push(`${name}${extra.suffix ?? ''}${shown} ${valueText(value)}\n`);
  };

  #labelText(names: readonly string[], values: readonly (string | number)[]): string {
    const last = this.#last;
    if (values === last.values && sameElements(names, last.names)) return last.text;
    const text = names.map((label, i) => `${label}="${escaped(values[i] ?? '')}"`).join(',');
    this.#last = { names, values, text };
    return text;
  }

  /** Yields one text for each metric that has a value: its help, its type and its lines. */
  *texts(): Generator<string> {
    for (const [name, lines] of this.#lines) {
      const { help, kind } = metricRows[name];
      yield `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
    }
  }
}

/**
 * Writes metrics in Prometheus' text format, version 0.0.4. The format wants all lines of a metric together, but collectors
 * report values in any order. So lines are kept for each metric until all values are in.
 */
import { sameElements } from '../base/collections.ts';
import { type MetricKind, metricRows, type MetricName, type Sink } from './metrics.ts';

export const expositionContentType = 'text/plain; version=0.0.4; charset=utf-8';

function escaped(value: string | number): string {
  return String(value).replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** Returns labels as they are written between braces. */
export function labelText(names: readonly string[], values: readonly (string | number)[]): string {
  return names.map((label, i) => `${label}="${escaped(values[i] ?? '')}"`).join(',');
}

/** The text of a help line, in which a line feed would end it. */
function helpText(help: string): string {
  return help.replace(/[\\\n]/g, (sign) => (sign === '\n' ? '\\n' : '\\\\'));
}

/** What a metric has seen since its start, or since the last push of a client. `quantiles` are pairs of quantile and value. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

/** A value of a metric that is not in the table. */
export interface OtherValue {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  /** As `labelText` returns it; not empty. */
  readonly labels: string;
  readonly value: number | Distribution;
}

export class Exposition {
  readonly #lines = new Map<MetricName, string[]>();
  readonly #others = new Map<string, { readonly help: string; readonly kind: MetricKind; lines: string[] }>();
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

  /** Adds a value of a metric that is not in the table. Its first value decides of what kind the metric is. */
  addOther({ name, kind, help, labels, value }: OtherValue): void {
    let metric = this.#others.get(name);
    if (metric === undefined) this.#others.set(name, (metric = { help, kind, lines: [] }));
    if (metric.kind !== kind) return;
    if (typeof value === 'number') {
      metric.lines.push(`${name}{${labels}} ${valueText(value)}\n`);
      return;
    }
    for (const [quantile, at] of value.quantiles)
      metric.lines.push(`${name}{${labels},quantile="${quantile}"} ${valueText(at)}\n`);
    metric.lines.push(`${name}_sum{${labels}} ${valueText(value.sum)}\n`);
    metric.lines.push(`${name}_count{${labels}} ${valueText(value.count)}\n`);
  }

  #labelText(names: readonly string[], values: readonly (string | number)[]): string {
    const last = this.#last;
    if (values === last.values && sameElements(names, last.names)) return last.text;
    const text = labelText(names, values);
    this.#last = { names, values, text };
    return text;
  }

  /** Yields one text for each metric that has a value: its help, its type and its lines. */
  *texts(): Generator<string> {
    for (const [name, lines] of this.#lines) {
      const { help, kind } = metricRows[name];
      yield `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
    }
    for (const [name, { help, kind, lines }] of this.#others)
      yield `# HELP ${name} ${helpText(help)}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
  }
}

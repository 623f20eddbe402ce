/**
 * Metrics in Prometheus' text format, version 0.0.4. All lines of a metric are written together, in whatever order collectors
 * report values.
 */
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

  readonly sink: Sink = (name, value, labels = [], extra = {}) => {
    const known = metricRows[name].labels;
    const parts = known.map((label, at) => `${label}="${escaped(labels[at] ?? '')}"`);
    if (extra.quantile !== undefined) parts.push(`quantile="${extra.quantile}"`);
    const shown = parts.length === 0 ? '' : `{${parts.join(',')}}`;
    const lines = this.#lines.get(name) ?? [];
    if (lines.length === 0) this.#lines.set(name, lines);
    lines.push(`${name}${extra.suffix ?? ''}${shown} ${valueText(value)}\n`);
  };

  /** One text for each metric that has a value. */
  *texts(): Generator<string> {
    for (const [name, lines] of this.#lines) {
      const { help, kind } = metricRows[name];
      yield `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
    }
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as scripts are
import { metricsPage } from '../../scripts/docs/metrics.mjs';
import { Exposition } from '../../src/telemetry/exposition.ts';
import { metricRows } from '../../src/telemetry/metrics.ts';
import { Quantiles } from '../../src/telemetry/quantiles.ts';

const root = join(import.meta.dirname, '../..');

function textOf(fill: (sink: Exposition['sink']) => void): string {
  const exposition = new Exposition();
  fill(exposition.sink);
  return [...exposition.texts()].join('');
}

test('all lines of a metric follow its help text, whatever the order of the values', () => {
  const text = textOf((sink) => {
    sink('kafka_topic_partitions', 3, ['a']);
    sink('kafka_brokers', 2);
    sink('kafka_topic_partitions', 1, ['b']);
  });
  expect(text).toBe(
    '# HELP kafka_topic_partitions Partitions of the topic.\n# TYPE kafka_topic_partitions gauge\n' +
      'kafka_topic_partitions{topic="a"} 3\nkafka_topic_partitions{topic="b"} 1\n' +
      '# HELP kafka_brokers Brokers in service.\n# TYPE kafka_brokers gauge\nkafka_brokers 2\n',
  );
});

test('labels are escaped; lines of a summary have their suffix or quantile', () => {
  const text = textOf((sink) => {
    sink('kafka_topic_partitions', Number.NaN, ['a"\\\n']);
    const name = 'kafka_network_requestmetrics_totaltimems';
    sink(name, 5, ['Fetch'], { quantile: 0.99 });
    sink(name, 7, ['Fetch'], { suffix: '_count' });
  });
  expect(text).toContain('kafka_topic_partitions{topic="a\\"\\\\\\n"} NaN\n');
  expect(text).toContain('kafka_network_requestmetrics_totaltimems{request="Fetch",quantile="0.99"} 5\n');
  expect(text).toContain('kafka_network_requestmetrics_totaltimems_count{request="Fetch"} 7\n');
});

test('names and labels are valid, and exactly the counters end in _total', () => {
  for (const [name, { kind, labels, help }] of Object.entries(metricRows)) {
    expect(name).toMatch(/^[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
    for (const label of labels) expect(label).toMatch(/^[a-z][a-zA-Z]*$/);
    expect(help, name).toMatch(/\.$/);
  }
});

test('a quantile is at most a sixth above the exact one', () => {
  const durations = fc.array(fc.double({ min: 0.1, max: 60_000, noNaN: true }), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99), (values, share) => {
      const quantiles = new Quantiles(0);
      for (const value of values) quantiles.add(value, 0);
      const sorted = [...values].sort((left, right) => left - right);
      const exact = sorted[Math.max(0, Math.ceil(share * values.length) - 1)] as number;
      const found = quantiles.quantile(share, 0);
      return found >= exact * 0.999 && found <= exact * (7 / 6) * 1.001;
    }),
  );
});

test('quantiles leave out old values, totals do not', () => {
  const quantiles = new Quantiles(0);
  quantiles.add(1000, 0);
  expect(quantiles.quantile(0.5, 59_000)).toBeGreaterThan(999);
  quantiles.add(1, 61_000);
  expect(quantiles.quantile(0.99, 61_000)).toBeGreaterThan(999);
  quantiles.add(1, 122_000);
  expect(quantiles.quantile(0.99, 122_000)).toBeLessThan(2);
  expect(Number.isNaN(new Quantiles(0).quantile(0.5, 0))).toBe(true);
  expect([quantiles.count, quantiles.sumMs]).toEqual([3, 1002]);
});

test('docs/metrics.md is up to date (else: npm run build && node scripts/docs/metrics.mjs)', () => {
  const page = metricsPage(metricRows) as string;
  expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8') === page).toBe(true);
});

/** Metric names in a query. */
function metricsIn(query: string): string[] {
  return query.match(/\b(?:bendemann|kafka|nodejs|process)_[a-z0-9_]+/g) ?? [];
}

test('the dashboard and the alert rules name only metrics that exist', () => {
  const texts = ['grafana-dashboard.json', 'alert-rules.yml'].map((name) =>
    readFileSync(join(root, 'docs/ops', name), 'utf8'),
  );
  const [dashboard, rules] = texts as [string, string];
  const panels = (JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] }).panels;
  const queries = panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
  const expressions = rules.match(/^\s+expr: .*$/gm) ?? [];
  expect(queries.length).toBeGreaterThan(8);
  expect(expressions.length).toBeGreaterThan(5);
  const own = [
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
  ];
  const parts = Object.entries(metricRows).flatMap(([name, { kind }]) =>
    kind === 'summary' ? [`${name}_count`, `${name}_sum`] : [],
  );
  for (const name of [...queries, ...expressions].flatMap(metricsIn)) {
    expect([...Object.keys(metricRows), ...parts, ...own], name).toContain(name);
  }
});

/**
 * Web pages over our cluster, opened in a browser: those of Quarkus' development mode, which list topics, messages, groups and
 * nodes. They stand for Kafdrop and AKHQ, which Maven Central does not have.
 */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { sleep } from '../../scripts/lib/cluster.mjs';
import { freePorts, maven, requireProgram, run, waitFor } from './lib.mjs';

export const about = 'web pages (Quarkus) show topics, messages, groups and nodes, and create a topic';
export const isShort = false;

const source = fileURLToPath(new URL('./quarkus', import.meta.url));
/** Quarkus needs a newer Maven than Debian has. */
const newerMaven = 'org.apache.maven:apache-maven:3.9.9:tar.gz:bin';
const values = Array.from({ length: 12 }, (_, at) => `order ${at}`);

/** A member that has read four records, and stays in its group without reading on. */
async function startGroup(client) {
  const consumer = client.consumer({ groupId: 'billing' });
  let read = 0;
  let isOver = false;
  await consumer.connect();
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ heartbeat }) => {
      if (read === 4 && !isOver) await waitFor('the end', 600_000, () => heartbeat().then(() => isOver));
      read++;
    },
  });
  await waitFor('four records read', 60_000, () => read === 4);
  return async () => {
    isOver = true;
    await consumer.disconnect();
  };
}

async function startPages(journey, cluster) {
  const mvn = join(journey.archive('maven', newerMaven), 'apache-maven-3.9.9', 'bin', 'mvn');
  const project = journey.cached('quarkus', readFileSync(join(source, 'pom.xml'), 'utf8'), (folder) => {
    cpSync(source, folder, { recursive: true });
    maven(['-f', join(folder, 'pom.xml'), 'quarkus:go-offline'], mvn);
  });
  const pom = ['-f', join(project, 'pom.xml')];
  const [port] = await freePorts(1);
  const args = [
    ...['-q', '-B', ...pom, 'quarkus:dev', '-Ddebug=false'],
    `-Dquarkus.http.port=${port}`,
    `-Dkafka.bootstrap.servers=${cluster.bootstrap}`,
    '-Dquarkus.devservices.enabled=false',
    '-Dquarkus.analytics.disabled=true',
  ];
  // Maven runs the application in a process of its own.
  journey.start('pages', mvn, args, { detached: true });
  const url = `http://localhost:${port}/q/dev-ui/quarkus-kafka-client`;
  await waitFor('the application', 300_000, async () => {
    await sleep(500);
    return (await fetch(`${url}/topics`)).ok;
  });
  return url;
}

/** Opens a page until it shows what is wanted: `read` gets the texts of the table's cells. */
async function open(page, url, what, read) {
  await waitFor(what, 300_000, async () => {
    await page.goto(url, { timeout: 60_000 });
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      await page.waitForTimeout(500);
      const texts = await page.locator('vaadin-grid-cell-content, td').allInnerTexts();
      const cells = texts.map((text) => text.trim()).filter((text) => text !== '');
      if (await read(cells)) return true;
    }
    return false;
  });
}

const contains = (cells, wanted) => wanted.every((text) => cells.includes(text));

export async function travel(journey) {
  requireProgram('chromium', 'Debian: chromium');
  const { chromium } = journey.packages('playwright', ['playwright-core@1.65.1'])('playwright-core');
  const cluster = await journey.cluster(3);
  const tool = (...args) =>
    run(join(cluster.bin, 'kafka-topics'), ['--bootstrap-server', cluster.bootstrap, ...args]);
  tool('--create', '--topic', 'orders', '--partitions', '3');
  const client = new Kafka({ brokers: cluster.bootstrap.split(','), logLevel: logLevel.NOTHING });
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic: 'orders', messages: values.map((value) => ({ key: value, value })) });
  await producer.disconnect();
  const url = await startPages(journey, cluster);
  const endGroup = await startGroup(client);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  try {
    const page = await browser.newPage();
    await open(page, `${url}/topics`, 'the topic', (cells) => contains(cells, ['orders', '3', '12']));
    await page.getByText('orders', { exact: true }).first().dblclick();
    const shown = async () =>
      (await page.locator('vaadin-grid-cell-content').allInnerTexts()).map((text) => text.trim());
    await waitFor('the messages', 60_000, async () => contains(await shown(), values));
    await open(page, `${url}/consumer-groups`, 'the group, its member and its lag', (cells) =>
      contains(cells, ['STABLE', 'billing', '1', '8']),
    );
    await open(page, `${url}/nodes`, 'three nodes', (cells) => contains(cells, ['1', '2', '3']));
    await open(page, `${url}/topics`, 'the topic', (cells) => contains(cells, ['orders']));
    await page.locator('vaadin-icon[icon*="plus"]:visible').last().click();
    await page.getByLabel('Topic Name').fill('invoices');
    await page.getByText('Create', { exact: true }).click();
    await waitFor('a topic created on the page', 60_000, () =>
      tool('--list').split('\n').includes('invoices'),
    );
  } finally {
    await browser.close();
  }
  await endGroup();
}

/**
 * Parses the records of `__consumer_offsets` that `kafka-dump-log --offsets-decoder` prints, and removes what differs from run
 * to run.
 */

const record = /^\| offset: \d+ .*keySize: (\d+) valueSize: (-?\d+) .*?key: (.*?) payload: (.*)$/;
const batch = /^baseOffset: /;
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const topicId = /"topicId":"([\w-]{22})"/g;

/** Sorts the topics of an assignment, because brokers write them in any order. */
function inOrder(text) {
  if (!text.startsWith('{')) return text;
  const sorted = (key, value) =>
    /artitions|ssignment/.test(key) && Array.isArray(value) && typeof value[0] === 'object'
      ? value.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : value;
  return JSON.stringify(JSON.parse(text, sorted));
}

/**
 * Returns for each group its records as texts. The records of one batch are sorted, because brokers take some of them from maps
 * without an order.
 */
export function normalised(text) {
  const groups = new Map();
  const seen = new Map();
  const nameOf = (value, kind) => {
    if (!seen.has(value))
      seen.set(value, `${kind}${[...seen.values()].filter((one) => one.startsWith(kind)).length}`);
    return seen.get(value);
  };
  const clean = (payload) =>
    payload
      .replaceAll(/"(\w*[tT]imestamp)":\d{13}/g, '"$1":"TIME"')
      .replaceAll(/"metadataHash":-?\d+/g, (all) => (all.endsWith(':0') ? all : '"metadataHash":"HASH"'))
      .replaceAll(topicId, (_, id) => `"topicId":"${nameOf(id, 'TOPIC')}"`)
      .replaceAll(/"version":\d+,"timestamp"/g, '"version":"OFFSET","timestamp"')
      .replaceAll(uuid, (id) => nameOf(id, 'MEMBER'));
  let open = [];
  const close = () => {
    for (const { group, line } of open.sort((a, b) => (a.line < b.line ? -1 : 1)))
      groups.set(group, [...(groups.get(group) ?? []), line]);
    open = [];
  };
  for (const line of text.split('\n')) {
    if (batch.test(line)) close();
    const found = record.exec(line);
    if (found === null) continue;
    const [, keySize, valueSize, key, payload] = found;
    const group = /"group(?:Id)?":"([^"]*)"/.exec(key)?.[1] ?? 'markers';
    const [shownKey, shownPayload] = [clean(key), clean(payload)].map(inOrder);
    open.push({ group, line: `${shownKey} ${shownPayload} (${keySize}, ${valueSize} bytes)` });
  }
  close();
  return groups;
}

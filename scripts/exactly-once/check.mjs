/** Checks a copy: each partition of the output must contain the numbers from 0 on, each once and in order. */

/** `count` is the number of records in the input partition. Returns a sentence for each fault; none when the copy is exact. */
export function faults(name, values, count) {
  const seen = new Set();
  const twice = new Set();
  let backwards = 0;
  let last = -1;
  for (const text of values) {
    const value = Number(text);
    if (seen.has(value)) twice.add(value);
    else if (value < last) backwards++;
    seen.add(value);
    last = Math.max(last, value);
  }
  const missing = [];
  for (let value = 0; value < count; value++) if (!seen.has(value)) missing.push(value);
  const strangers = [...seen].filter((value) => !(value >= 0 && value < count));
  const some = (list) =>
    `${list.length} (${[...list].slice(0, 5).join(', ')}${list.length > 5 ? ', …' : ''})`;
  return [
    ...(missing.length > 0 ? [`${name}: missing ${some(missing)}`] : []),
    ...(twice.size > 0 ? [`${name}: more than once ${some([...twice])}`] : []),
    ...(strangers.length > 0 ? [`${name}: never written ${some(strangers)}`] : []),
    ...(backwards > 0 ? [`${name}: ${backwards} out of order`] : []),
  ];
}

/** Returns how many different numbers there are. */
export function progress(values) {
  return new Set(values).size;
}

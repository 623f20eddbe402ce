/** Differences that are decided: rows of `docs/differences.md`, found by the id of the question. */
const rows = [
  // [what the id matches, why (a row of docs/differences.md)]
];

/** Why the answers to a question may differ, or null. */
export function expectedDifference(question, version) {
  const id = `${question.id} v${version}`;
  return rows.find(([pattern]) => pattern.test(id))?.[1] ?? null;
}

/** Properties as the text of a file that java.util.Properties and `parseProperties` read back to the same values. */

function escaped(text: string): string {
  return text.replace(/[\\\n\r\t\f]/g, (found) =>
    found === '\\'
      ? '\\\\'
      : found === '\n'
        ? '\\n'
        : found === '\r'
          ? '\\r'
          : found === '\t'
            ? '\\t'
            : '\\f',
  );
}

export function propertiesText(properties: Iterable<readonly [key: string, value: string]>): string {
  let text = '';
  for (const [key, value] of properties) {
    const name = escaped(key).replace(/[ :=#!]/g, (found) => `\\${found}`);
    // An unescaped blank at the beginning of a value would be skipped by the reader.
    text += `${name}=${escaped(value).replace(/^ /, '\\ ')}\n`;
  }
  return text;
}

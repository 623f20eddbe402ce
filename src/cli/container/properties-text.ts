/** Writes properties as the text of a properties file. java.util.Properties and `parseProperties` read the same values back. */

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
    // A reader skips blanks before a value, so a value's own first blank must be escaped.
    text += `${name}=${escaped(value).replace(/^ /, '\\ ')}\n`;
  }
  return text;
}

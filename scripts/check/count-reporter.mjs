/**
 * A reporter for Vitest. It names the tests that were skipped, and ends the output with the line `N passed, N failed`, which CI
 * reads.
 */
const skippedNamesMax = 20;

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    const names = [];
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'skipped') {
          skipped++;
          names.push(test.fullName);
        } else failed++;
      }
    }
    for (const name of names.slice(0, skippedNamesMax)) console.log(`skipped: ${name}`);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}

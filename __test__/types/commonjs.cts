// What a CommonJS user writes; compiled and run by scripts/typecheck.js.

import assert = require('node:assert');
import okstra = require('okstra');

const segment: string = okstra.safeSegment('Fix Login!');
assert.strictEqual(segment, 'fix-login');

const entry: okstra.WorktreeEntry | null = okstra.registry.lookup('shop', 'checkout', 'fix-42');
assert.strictEqual(entry, null);

const tasks: okstra.TaskOverview[] = okstra.listTasks({ projectId: 'shop', status: 'active' });
assert.deepStrictEqual(tasks, []);

try {
  // @ts-expect-error: a required field is missing
  okstra.computeBranchName({ workCategory: 'fix' });
  assert.fail('not reached');
} catch (error) {
  const { code, hint } = error as okstra.OkstraError;
  const expected: okstra.OkstraErrorCode = 'OKSTRA_INVALID_ARGUMENT';
  assert.strictEqual(code, expected);
  assert.ok(hint.length > 0);
}

// @ts-expect-error: no such status
okstra.registry.list.bind(null, { status: 'gone' });

// What a user of ES modules writes; compiled and run by scripts/typecheck.js.

import assert from 'node:assert';
import {
  computeBranchName,
  computeWorktreePath,
  errorCodes,
  provisionTaskWorktree,
  registry,
  version,
  type OkstraError,
  type OkstraErrorCode,
  type ProvisionOptions,
  type WorktreeProvision,
} from 'okstra';

assert.match(version(), /^\d+\.\d+\.\d+$/);
const codes: OkstraErrorCode[] = errorCodes();
assert.ok(codes.includes('OKSTRA_ABORTED'));
assert.strictEqual(registry.taskKey('shop', 'checkout', 'fix-42'), 'shop/checkout/fix-42');
assert.strictEqual(computeBranchName({ workCategory: 'bug', taskIdSegment: '42' }), 'fix-42');
assert.ok(computeWorktreePath({ projectId: 'a', taskGroupSegment: 'b', taskIdSegment: 'c' }).endsWith('c'));

const options: ProvisionOptions = {
  taskType: 'implementation',
  projectRoot: '.',
  projectId: 'shop',
  taskGroupSegment: 'checkout',
  taskIdSegment: '42',
  workCategory: 'bug',
  baseRef: null,
  lockTimeoutMs: 1000,
};

function describe(provision: WorktreeProvision): string {
  switch (provision.status) {
    case 'created':
    case 'reused':
    case 'restored':
      return `${provision.branch} in ${provision.path}`;
    case 'skipped-not-git':
    case 'skipped-in-worktree':
      return provision.path;
    default: {
      const none: never = provision.status;
      return none;
    }
  }
}

const outcome: string = await provisionTaskWorktree(options, AbortSignal.abort()).then(
  describe,
  (error: OkstraError) => error.code,
);
assert.strictEqual(outcome, 'OKSTRA_ABORTED');

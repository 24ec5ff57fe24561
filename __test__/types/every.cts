// Every export, called with every option that its type declares; compiled and run by scripts/typecheck.js. An export that
// is not here does not compile, nor does a call that leaves an option out. An option that is declared and not read, or
// read and not declared, shows when the calls are made.

import assert = require('node:assert');
import okstra = require('okstra');

const { registry } = okstra;

/** Makes a call with all options of its type, and sees that it reads these and no other, but for `unread`. */
async function call<O extends object>(invoke: (options: O) => unknown, options: Required<O>, unread: string[] = []) {
  const read = new Set<PropertyKey>();
  const watched = new Proxy(options, {
    get(target, name, receiver) {
      read.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  try {
    await invoke(watched);
  } catch (error) {
    // There is no such task, and no repository here; that is known only when the options were read.
    const { code, message } = error as okstra.OkstraError;
    assert.match(code, /_NOT_FOUND$|^OKSTRA_NO_REPOSITORY$|^OKSTRA_NOT_IN_TRASH$|^OKSTRA_INVALID_ARGUMENT$/, message);
  }
  const declared = Object.keys(options).filter((name) => !unread.includes(name));
  assert.deepStrictEqual([...read].sort(), declared.sort(), invoke.toString());
}

const { signal } = new AbortController();
const onProgress = ({ done, total }: okstra.ProvisionProgress) => assert.ok(done <= total);
const onTask = ({ taskKey }: okstra.TaskSurvey) => assert.ok(taskKey);

const names = { projectId: 'shop', taskGroup: 'checkout', taskId: 'fix-42' };
const segments = { projectId: 'shop', taskGroupSegment: 'checkout', taskIdSegment: 'fix-42' };
const choice = { projectId: 'shop', taskGroup: 'checkout', taskKey: 'shop/checkout/fix-42' };
const lockTimeoutMs = 1000;

const provision: Required<okstra.ProvisionOptions> = {
  ...segments, taskType: 'analysis', projectRoot: '.', workCategory: 'bug', baseRef: 'HEAD', lockTimeoutMs, onProgress,
};
const warm = { projectRoot: '.', count: 1, keepFree: 0 };
const survey = { ...choice, disk: true, onTask };
const inspect = { taskKey: choice.taskKey };
const reclaim = { ...choice, only: [], force: false, dryRun: true };
const remove = { ...names, allow: ['untracked'], force: false, deleteBranch: false, lockTimeoutMs };
const restore = { ...names, from: 'none', lockTimeoutMs };
const prune = { apply: false, projectId: 'shop', olderThanDays: 14, only: [], lockTimeoutMs };
const adopt = { ...names, path: 'none', branch: 'fix-42', phase: 'analysis', lockTimeoutMs };
const doctor = { fix: false, root: '.', lockTimeoutMs };
const list = { projectId: 'shop', taskGroup: 'checkout', status: 'active' } as const;

const registryCalls: Record<keyof typeof registry, () => unknown> = {
  taskKey: () => registry.taskKey('shop', 'checkout', 'fix-42'),
  lookup: () => registry.lookup('shop', 'checkout', 'fix-42'),
  reserve: () =>
    call(registry.reserve, {
      ...names, worktreePath: 'worktree', branch: 'fix-42', baseRef: '0'.repeat(40), phase: 'analysis', repository: '/none',
    }),
  touchPhase: () => registry.touchPhase('shop', 'checkout', 'fix-42', 'implementation'),
  release: () => registry.release('shop', 'checkout', 'fix-42'),
  list: () => call(registry.list, list),
  history: () => call(registry.history, { taskKey: choice.taskKey, projectId: 'shop', limit: 10 }),
};

const calls: Record<keyof typeof okstra, () => unknown> = {
  __napiBindingTarget: () => assert.strictEqual(okstra.__napiBindingTarget, 'native'),
  version: () => okstra.version(),
  errorCodes: () => okstra.errorCodes().every((code: okstra.OkstraErrorCode) => code),
  safeSegment: () => okstra.safeSegment('Fix Login!'),
  computeWorktreePath: () => call(okstra.computeWorktreePath, segments),
  computeBranchName: () => call(okstra.computeBranchName, { workCategory: 'bug', taskIdSegment: 'fix-42' }),
  provisionTaskWorktree: () => call((options: okstra.ProvisionOptions) => okstra.provisionTaskWorktree(options, signal), provision),
  provisionTaskWorktreeSync: () => call(okstra.provisionTaskWorktreeSync, provision, ['onProgress']),
  warmSpares: () => call((options: okstra.WarmOptions) => okstra.warmSpares(options, signal), warm),
  warmSparesSync: () => call(okstra.warmSparesSync, warm),
  listSpares: () => okstra.listSpares().map(({ path }) => path),
  listSpareLeftovers: () => okstra.listSpareLeftovers().map(({ path, reason, repository }) => [path, reason, repository]),
  listTasks: () => call(okstra.listTasks, list),
  tasksText: () => call((options: okstra.TasksTextOptions) => okstra.tasksText(options).text.length, { form: 'porcelain', projectId: 'shop', state: 'active', more: '' }),
  surveyTasks: () => call((options: okstra.SurveyOptions) => okstra.surveyTasks(options, signal), survey),
  surveyTasksSync: () => call(okstra.surveyTasksSync, survey),
  inspectTask: () => call((options: okstra.InspectOptions) => okstra.inspectTask(options, signal), inspect),
  inspectTaskSync: () => call(okstra.inspectTaskSync, inspect),
  diskUse: () => call((options: okstra.TaskChoice) => okstra.diskUse(options, signal), choice),
  diskUseSync: () => call(okstra.diskUseSync, choice),
  reclaim: () => call((options: okstra.ReclaimOptions) => okstra.reclaim(options, signal), reclaim),
  reclaimSync: () => call(okstra.reclaimSync, reclaim),
  removeTask: () => call((options: okstra.RemoveOptions) => okstra.removeTask(options, signal), remove),
  removeTaskSync: () => call(okstra.removeTaskSync, remove),
  restoreTask: () => call((options: okstra.RestoreOptions) => okstra.restoreTask(options, signal), restore),
  restoreTaskSync: () => call(okstra.restoreTaskSync, restore),
  listTrash: () => call(okstra.listTrash, { taskKey: choice.taskKey, projectId: 'shop' }),
  prune: () => call((options: okstra.PruneOptions) => okstra.prune(options, signal), prune),
  pruneSync: () => call(okstra.pruneSync, prune),
  adoptWorktree: () => call((options: okstra.AdoptOptions) => okstra.adoptWorktree(options, signal), adopt),
  adoptWorktreeSync: () => call(okstra.adoptWorktreeSync, adopt),
  guardPath: () => call((options: okstra.GuardOptions) => okstra.guardPath('src', options), { taskKey: choice.taskKey, cwd: '/' }),
  doctor: () => call((options: okstra.DoctorOptions) => okstra.doctor(options, signal), doctor),
  doctorSync: () => call(okstra.doctorSync, doctor),
  locateDirectory: async () => (await okstra.locateDirectory('.')).repository?.branch,
  locateDirectorySync: () => okstra.locateDirectorySync('.').gitVersion,
  findRepository: () => okstra.findRepository('.')?.common,
  defaultProjectId: () => okstra.defaultProjectId('.')?.length,
  checkIdOfTask: () => okstra.checkIdOfTask('shop/checkout/none', 'checkout', 'none'),
  checkProjectOfTask: () => okstra.checkProjectOfTask('shop/checkout/none', '.'),
  sharedDirectories: async () => (await okstra.sharedDirectories(null, null)).map(({ name }) => name),
  sharedDirectoriesSync: () => okstra.sharedDirectoriesSync().map(({ name }) => name),
  lockInstallation: () =>
    call(async (options: okstra.LockOptions) => (await okstra.lockInstallation(options, signal)).release(), { lockTimeoutMs }),
  lockInstallationSync: () => call((options: okstra.LockOptions) => okstra.lockInstallationSync(options).release(), { lockTimeoutMs }),
  InstallationLock: async () => assert.ok((await okstra.lockInstallation()) instanceof okstra.InstallationLock),
  registry: async () => {
    for (const each of Object.values(registryCalls)) await each();
  },
};

async function main() {
  assert.deepStrictEqual(Object.keys(okstra).sort(), Object.keys(calls).sort());
  assert.deepStrictEqual(Object.keys(registry).sort(), Object.keys(registryCalls).sort());
  for (const each of Object.values(calls)) await each();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { LauncherError, noMainWorktree, noRepository } = require('../errors.js')
const { table } = require('../output.js')

async function checkProject({ values, cwd, paint }) {
  const root = path.resolve(cwd, values.root ?? '.')
  const { gitVersion, repository: location } = await addon().locateDirectory(root)
  const repository = location && require('../repository.js').findRepository(root)
  if (!repository) throw noRepository(root)
  const project = require('../project-file.js').readProject(repository)
  if (project?.id === undefined) throw notSetUp(root, repository, project)

  const shared = await addon().sharedDirectories(repository.main, repository.common)
  const task = location.linked && location.worktree ? taskAt(location.worktree) : undefined
  const data = {
    projectId: project.id,
    projectSegment: addon().safeSegment(project.id),
    projectFile: project.file,
    schemaVersion: project.schemaVersion,
    projectRoot: repository.main ?? null,
    repository: location.commonDir,
    worktreeRoot: location.worktree ?? null,
    worktreeKind: kindOf(location, task),
    task: task ?? null,
    branch: location.branch ?? null,
    head: location.head ?? null,
    sharedDirs: shared.map(({ name, present }) => ({ name, present })),
    gitVersion,
    okstraVersion: require('../../package.json').version,
  }
  return { data, text: describe(data, paint) }
}

function kindOf({ linked, worktree }, task) {
  if (worktree === undefined) return 'none'
  return task ? 'task' : linked ? 'linked' : 'main'
}

/** The task that the registry gives a worktree to. */
function taskAt(worktree) {
  const real = (place) => {
    try {
      return require('node:fs').realpathSync.native(place)
    } catch {
      return undefined
    }
  }
  // Resolving every row's path would cost as much as the rest: the last name must match first.
  const name = path.basename(worktree)
  const rows = addon().registry.list().filter(({ worktreePath }) => path.basename(worktreePath) === name && real(worktreePath) === worktree)
  const row = rows.find(({ status }) => status === 'active') ?? rows[0]
  return row && { taskKey: row.taskKey, branch: row.branch, status: row.status, lastPhase: row.lastPhase }
}

function notSetUp(root, repository, project) {
  const { projectFileOf } = require('../project-file.js')
  const file = projectFileOf(repository)
  if (!file) return noMainWorktree(root)
  const what = project ? `${file} names no project id` : `there is no ${file}`
  return new LauncherError('OKSTRA_PROJECT_NOT_SET_UP', `the project in ${repository.main ?? repository.common} is not set up for okstra: ${what}`, {
    hint: 'Run `okstra setup` there (in an agent: /okstra-setup).',
    path: file,
  })
}

const KINDS = { main: 'the main worktree', linked: 'a linked worktree of no task', none: 'none: this is inside a git directory' }

function describe(data, paint) {
  const { task, worktreeRoot, branch, head, sharedDirs } = data
  const names = (present) => sharedDirs.filter((directory) => directory.present === present).map(({ name }) => name)
  const missing = names(false).length > 0 ? `missing: ${names(false).join(', ')}` : ''
  const rows = [
    ['project', data.projectId === data.projectSegment ? data.projectId : `${data.projectId} (in a task-key: ${data.projectSegment})`],
    ['file', data.projectFile],
    ['root', data.projectRoot ?? `none: ${data.repository} is a bare repository`],
    ['worktree', worktreeRoot ? `${worktreeRoot} (${task ? 'of a task' : KINDS[data.worktreeKind]})` : KINDS.none],
    ['task', task ? `${task.taskKey} (${task.status}, last phase ${task.lastPhase || 'not recorded'})` : 'none'],
    ['branch', `${branch ?? `detached at ${head?.slice(0, 12)}`}${head ? '' : ' (no commit yet)'}`],
    ['shared', data.projectRoot ? [names(true).join(', '), missing].filter(Boolean).join('; ') || 'none' : 'none: there is no main worktree'],
    ['git', data.gitVersion],
    ['okstra', data.okstraVersion],
  ]
  return table(rows, (_row, column, text) => (column === 0 ? paint('bold', text) : text))
}

module.exports = {
  summary: 'Check that this directory belongs to a project that is set up',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    root: { value: 'DIR', description: "A directory of the project's repository (default: the current directory)" },
  },
  details: [
    'Reads the project file of the main worktree, from any directory of any of its worktrees, and prints the project, its directories, the branch, the task that this worktree belongs to, and the versions of git and okstra.',
    'Ends with 3 when the directory is in no repository or the project is not set up, and with 2 when the project file cannot be used. Changes nothing.',
  ],
  examples: [
    ['okstra check-project', 'in the repository of the project'],
    ['okstra check-project --json', 'for a program'],
  ],
  run: checkProject,
}

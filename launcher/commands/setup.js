'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { LauncherError, noMainWorktree, usageError } = require('../errors.js')
const { printable } = require('../output.js')

async function setup({ values, cwd }) {
  const { projectFileOf, readProject } = require('../project-file.js')
  const { repositoryOf } = require('../setup.js')
  const root = path.resolve(cwd, values.root ?? '.')
  const repository = await repositoryOf(root)
  const file = projectFileOf(repository)
  if (!file) throw noMainWorktree(root)

  const present = readProject(repository)
  const id = wantedId(values, present, repository, root)
  const plan = { file, id, present, repository, dryRun: values['dry-run'] === true, gitignore: values.gitignore === true }
  const done = await require('../setup.js').carryOut(plan)
  const data = { projectId: done.id, projectFile: file, projectRoot: repository.main ?? null, dryRun: plan.dryRun, ...done.changes }
  return { data, text: answer(plan, done), story: story(plan, done) }
}

/** The id that the file is to have. One that is there stays, unless the user names another and says that it may change. */
function wantedId(values, present, repository, root) {
  const { safeSegment, defaultProjectId } = addon()
  const { idProblem } = require('../project-file.js')
  const named = values['project-id']
  if (named === undefined && values['change-id']) throw usageError('--change-id is nothing without --project-id', 'Add --project-id ID.')
  if (named !== undefined) {
    const problem = idProblem(named)
    if (problem) throw usageError(`--project-id cannot be ${JSON.stringify(named)}: ${problem}`, 'Give letters, digits and dashes.')
    if (present?.id !== undefined && safeSegment(named) !== safeSegment(present.id) && !values['change-id']) {
      throw new LauncherError('OKSTRA_PROJECT_ID_DIFFERS', `the project is set up as ${present.id} already, not as ${named}`, {
        hint: `Add --change-id if that is meant: the tasks there are stay under ${safeSegment(present.id)} and are then named with it.`,
        path: present.file,
      })
    }
  }
  if (present?.id !== undefined && (named === undefined || safeSegment(named) === safeSegment(present.id))) return present.id
  const name = named ?? defaultProjectId(root)
  if (idProblem(name ?? '')) {
    throw usageError(`the name of ${repository.main ?? repository.common} makes no project id`, 'Add --project-id ID.')
  }
  return safeSegment(name)
}

function answer({ id, dryRun }, { changes }) {
  if (!changes.changed) return `project ${printable(id)} is set up already; nothing was changed`
  return `project ${printable(id)} ${dryRun ? 'would be' : 'is'} set up`
}

function story({ file, dryRun }, { changes, offered }) {
  const did = (done, wish) => (dryRun ? `would ${wish}` : done)
  const { directories, gitignore } = changes
  const lines = []
  if (changes.file === 'created') lines.push(`${did('wrote', 'write')} ${file}`)
  if (changes.file === 'changed') lines.push(`${did('changed', 'change')} ${file}`)
  if (directories.made.length > 0) lines.push(`${did('made', 'make')} ${directories.made.join(', ')}`)
  for (const { name, reason } of directories.refused) lines.push(`did not make ${name}: ${reason}`)
  if (gitignore.written) lines.push(`${did('added', 'add')} to .gitignore: ${gitignore.lines.join(' ')}`)
  if (offered.length > 0) {
    lines.push('.gitignore does not cover these directories; `okstra setup --gitignore` adds the lines:')
    lines.push(...offered.map((line) => `  ${line}`))
  }
  return lines.map((line) => printable(line))
}

module.exports = {
  summary: 'Set up a project: its file, its shared directories, its ignore lines',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    'project-id': { value: 'ID', description: "The project's id (default: the one it has, else the one of its tasks, else the repository's name)" },
    'change-id': { description: 'Let --project-id replace another id that the project has' },
    root: { value: 'DIR', description: "A directory of the project's repository (default: the current directory)" },
    gitignore: { description: 'Add the shared directories that .gitignore does not cover, in a marked block' },
    'dry-run': { description: 'Only tell what would be done' },
  },
  details: [
    'Writes .project-docs/okstra/project.json in the main worktree of the repository, whichever worktree it is run in, and makes the shared directories there. What is there already is kept, so that it can be run again at any time.',
    'Without --gitignore it names the lines that .gitignore lacks, and changes nothing in it. Directories with tracked files are not among them.',
  ],
  examples: [
    ['okstra setup', 'in the repository of the project'],
    ['okstra setup --project-id shop --gitignore', 'with another id than the name of the directory'],
    ['okstra setup --dry-run --json', 'what it would do, for a program'],
  ],
  run: setup,
}

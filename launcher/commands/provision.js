'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { interruptible } = require('../interruptible.js')
const { printable } = require('../output.js')
const { parseTask } = require('../project.js')

async function provision({ values, positionals: [task], cwd }) {
  const { provisionTaskWorktree } = addon()
  const root = path.resolve(cwd, values.root ?? '.')
  const { projectId, taskGroup, taskId } = parseTask(task, {
    project: values.project,
    directory: root,
    anyDirectory: true,
  })
  const result = await interruptible((signal) =>
    provisionTaskWorktree(
      {
        taskType: values.phase,
        projectRoot: root,
        projectId,
        taskGroupSegment: taskGroup,
        taskIdSegment: taskId,
        workCategory: values.category ?? '',
        ...(values.base !== undefined && { baseRef: values.base }),
        ...(values['lock-timeout'] !== undefined && { lockTimeoutMs: values['lock-timeout'] }),
        ...(process.stderr.isTTY && { onProgress }),
      },
      signal,
    ),
  )
  // It may have taken a spare; another one is made when the answer is out.
  const after = () => result.status === 'created' && require('../refill.js').refill(root)
  return { data: result, text: result.path, story: tell(result), after }
}

function onProgress({ done, total }) {
  require('../progress.js').count(done, total, 'files')
}

function tell({ status, branch, baseRef, note, notes, taskKey, linked }) {
  // The note of a caller without a worktree says why; all other notes begin with what the first line says.
  if (status.startsWith('skipped')) return [printable(`${taskKey}: ${status}`), printable(`note: ${note}`)]
  const on = branch ? `on branch ${branch}` : 'on a detached HEAD'
  const lines = [`${taskKey}: ${status} ${on}${baseRef ? `, based on ${baseRef.slice(0, 12)}` : ''}`]
  if (linked.length > 0) lines.push(`linked: ${linked.join(', ')}`)
  lines.push(...notes.map(({ text }) => `note: ${text}`))
  return lines.map((line) => printable(line))
}

module.exports = {
  summary: 'Give a task its worktree: the same one every time',
  usage: '[<project>/]<group>/<task> --phase PHASE [options]',
  positionals: [1, 1],
  options: {
    phase: { value: 'PHASE', required: true, description: 'The phase of this run; recorded with the task' },
    category: { value: 'CATEGORY', description: 'The kind of work (bug, feature, refactor, docs, ...): gives the branch its prefix' },
    root: { value: 'DIR', description: "A directory of the project's repository (default: the current directory)" },
    project: { value: 'PROJECT', description: "The project of a <group>/<task> (default: the repository's)" },
    base: { value: 'REF', description: 'The branch, tag or commit to start from (default: HEAD of the main worktree)' },
    'lock-timeout': { value: 'MS', number: true, least: 0, description: 'How long to wait for other processes (default: 120000)' },
  },
  details: [
    'Prints the path of the worktree on stdout and what was done on stderr.',
    'Without a project in the task and without --project, the project is the one that .project-docs/okstra/project.json of the main worktree names, else the name of the directory of the main worktree.',
    'Outside a git repository, and in a worktree that is isolated already, nothing is made: the path is the given directory.',
  ],
  examples: [
    ['okstra provision checkout/fix-42 --phase implementation --category bug', 'in the repository of the project'],
    ['cd "$(okstra provision shop/checkout/fix-42 --phase error-analysis --root ~/shop)"', 'from anywhere'],
    ['okstra provision checkout/fix-42 --phase implementation --base origin/main --json', 'for a program'],
  ],
  progress: 'making the worktree ready',
  run: provision,
}

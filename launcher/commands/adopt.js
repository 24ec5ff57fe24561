'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { interruptible } = require('../interruptible.js')
const { printable } = require('../output.js')
const { PROJECT, namedTask } = require('../project.js')

async function adopt({ values, positionals: [place], cwd }) {
  const directory = path.resolve(cwd, place)
  // A <group>/<task> is of the project that the worktree belongs to.
  const { segments } = namedTask({ values, positionals: [values.task], cwd: directory }, { acts: true })
  const [projectId, taskGroup, taskId] = segments
  const options = { path: directory, projectId, taskGroup, taskId, branch: values.branch, phase: values.phase }
  const result = await interruptible((signal) => addon().adoptWorktree(options, signal))
  return { data: result, text: result.task.worktreePath, story: tell(result) }
}

function tell({ status, task, rebuilt, linked }) {
  const lines = [`${task.taskKey}: ${status === 'adopted' ? 'adopted' : 'had it already'}, on branch ${task.branch}`]
  if (rebuilt) lines.push('git had forgotten it and knows it again; what was staged shows as not staged')
  if (linked.length > 0) lines.push(`linked: ${linked.join(', ')}`)
  return lines.map((line) => printable(line))
}

module.exports = {
  summary: 'Take a worktree that is there already into the registry, as the worktree of a task',
  usage: 'PATH --task TASK [options]',
  positionals: [1, 1],
  wants: 'a directory',
  options: {
    task: { value: 'TASK', required: true, description: 'The task that gets it' },
    project: PROJECT,
    branch: { value: 'BRANCH', description: 'The branch of a worktree that git has forgotten' },
    phase: { value: 'PHASE', description: 'The phase to be recorded' },
  },
  details: [
    'For a worktree that git or another tool made, and for one that a registry has lost. Nothing is moved: the task has it where it is. Shared directories are linked into it; nothing that exists there is replaced.',
  ],
  examples: [
    ['okstra adopt ../shop-fix --task checkout/fix-42', 'a worktree that `git worktree add` made'],
    ['okstra adopt ~/old/fix-43 --task shop/checkout/fix-43 --branch fix-43', 'one whose data git has pruned'],
  ],
  progress: 'adopting',
  run: adopt,
}

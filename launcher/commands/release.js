'use strict'
const { addon } = require('../addon.js')
const { taskNotFound } = require('../errors.js')
const { printable } = require('../output.js')
const { PROJECT, namedTask } = require('../project.js')

function release(context) {
  const { segments, taskKey } = namedTask(context, { acts: true })
  const task = addon().registry.release(...segments)
  if (!task) throw taskNotFound(taskKey)
  if (task.status === 'released') {
    return { data: { task }, text: `${taskKey} was released before` }
  }
  return {
    data: { task },
    text: `released ${taskKey}`,
    story: [printable(`branch ${task.branch} is no longer reserved; it and ${task.worktreePath} are kept`)],
  }
}

module.exports = {
  summary: 'Release a task: nothing is deleted, its branch is no longer reserved',
  usage: '<task> [options]',
  positionals: [1, 1],
  options: { project: PROJECT },
  details: ['`okstra provision` brings a released task back on its own branch.'],
  examples: [
    ['okstra release checkout/fix-42', 'in the repository of the project'],
    ['okstra release shop/checkout/fix-42 --json', 'from anywhere, for a program'],
  ],
  run: release,
}

'use strict'
const { addon } = require('../addon.js')
const { taskNotFound } = require('../errors.js')
const { printable } = require('../output.js')
const { namedTask } = require('../tasks.js')

module.exports = function release(context) {
  const { segments, taskKey } = namedTask(context)
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

'use strict'
const fs = require('node:fs')
const { addon } = require('../addon.js')
const { PROJECT, namedTask } = require('../project.js')

function path(context) {
  const { segments, taskKey } = namedTask(context)
  const task = addon().registry.lookup(...segments)
  if (!task) throw require('../errors.js').taskNotFound(taskKey)
  const story = fs.existsSync(task.worktreePath)
    ? []
    : ['the directory is gone; `okstra provision` brings it back with all its commits']
  return { data: { path: task.worktreePath, taskKey }, text: task.worktreePath, story }
}

module.exports = {
  summary: "Print the path of a task's worktree, and nothing else",
  usage: '<task> [options]',
  positionals: [1, 1],
  options: { project: PROJECT },
  details: ['Ends with 3 when there is no such task.'],
  examples: [
    ['cd "$(okstra path checkout/fix-42)"', 'go there'],
    ['code "$(okstra path checkout/fix-42)"', 'open it in an editor'],
    ['git -C "$(okstra path shop/checkout/fix-42)" log --oneline', 'look at it from anywhere'],
  ],
  run: path,
}

'use strict'
const fs = require('node:fs')
const { addon } = require('../addon.js')
const { taskNotFound } = require('../errors.js')
const { namedTask } = require('../tasks.js')

module.exports = function path(context) {
  const { segments, taskKey } = namedTask(context)
  const task = addon().registry.lookup(...segments)
  if (!task) throw taskNotFound(taskKey)
  const story = fs.existsSync(task.worktreePath)
    ? []
    : ['the directory is gone; `okstra provision` brings it back with all its commits']
  return { data: { path: task.worktreePath, taskKey }, text: task.worktreePath, story }
}

'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('../errors.js')
const { TASK_TYPE, taskTypeOf } = require('../report/task-type.js')

function reportNew({ values, cwd }) {
  const { skeleton } = require('../report/skeleton.js')
  const taskType = taskTypeOf(values['task-type'])
  const task = values.task === undefined ? undefined : taskKeyOf(values.task, cwd)
  const report = skeleton(taskType, { task, date: today() })
  const known = { taskType, taskKey: task ?? null }
  if (values.output === undefined) return { data: { ...known, file: null, report }, text: report.trimEnd() }

  const file = path.resolve(cwd, values.output)
  write(file, report)
  return { data: { ...known, file }, text: file, story: ['fill it in, then check it with `okstra report check`'] }
}

function today() {
  const now = new Date()
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}

function taskKeyOf(text, directory) {
  const { addon } = require('../addon.js')
  const { parseTask } = require('../project.js')
  const { projectId, taskGroup, taskId } = parseTask(text, { directory })
  const { safeSegment, registry } = addon()
  return registry.taskKey(...[projectId, taskGroup, taskId].map((segment) => safeSegment(segment)))
}

// `wx` fails where anything lies, also a dangling link, and a report that somebody began is never lost.
function write(file, report) {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, report, { flag: 'wx' })
  } catch (error) {
    if (error.code === 'EEXIST' && error.syscall === 'open') {
      throw new LauncherError('OKSTRA_FILE_EXISTS', `cannot write a new report to ${file}: it is there already`, {
        hint: 'Name another file, or move this one away; it is never overwritten.',
        path: file,
      })
    }
    throw new LauncherError('OKSTRA_IO', `cannot write a new report to ${file}: ${error.message}`, {
      hint: 'Check the path and its permissions.',
      path: file,
    })
  }
}

module.exports = {
  summary: 'Write the skeleton of a final report',
  usage: '--task-type TYPE [--output FILE] [options]',
  positionals: [0, 0],
  options: {
    'task-type': TASK_TYPE,
    output: { value: 'FILE', short: 'o', description: 'Where to write it; a file that is there is never overwritten (default: stdout)' },
    task: { value: 'TASK', description: 'The task of the run: its task-key is filled in' },
  },
  details: [
    'The skeleton has every section that the final report of such a run needs, and no other. What is to be replaced stands in {{fill: ...}}.',
  ],
  examples: [
    ['okstra report new --task-type implementation --task checkout/fix-42 --output report.md', 'into a file'],
    ['okstra report new --task-type release-handoff', 'to look at it'],
  ],
  run: reportNew,
}

'use strict'
const path = require('node:path')
const { LauncherError } = require('../errors.js')
const { printable } = require('../output.js')
const { TASK_TYPE, taskTypeOf } = require('../report/task-type.js')

const REASONS = { ENOENT: 'it is not there', EISDIR: 'it is a directory', ENOTDIR: 'it is no directory' }

function reportCheck({ values, positionals: [named], cwd, paint }) {
  const { checkReport, writerResults } = require('../report/check.js')
  const { HANDOFF } = require('../report/contract.js')
  const taskType = taskTypeOf(values['task-type'])
  const file = path.resolve(cwd, named)
  const source = read('the report', file)
  const log = values['command-log'] && read('the command log', path.resolve(cwd, values['command-log'])).toString('utf8')
  const directory = values['worker-results'] && path.resolve(cwd, values['worker-results'])
  // A run without workers need not have the directory.
  const results = directory && readable('the worker-results directory', directory, writerResults, taskType === HANDOFF)

  const findings = checkReport(source, taskType, { log, results })
  const data = { file, taskType, findings }
  if (findings.length === 0) {
    const story = directory && !results ? [printable(`there is no directory ${directory}`)] : []
    return { data, text: printable(`${named}: complete`), story }
  }
  const count = findings.length === 1 ? 'one place' : `${findings.length} places`
  throw new LauncherError('OKSTRA_REPORT_INVALID', `the report ${file} breaches the contract of task type ${taskType} in ${count}`, {
    hint: 'Mend what each rule is about; `okstra report new` shows what each section has to look like.',
    path: file,
    data,
    text: findings.map(({ line, rule, message }) => `${printable(`${named}:${line}`)}: ${paint('bold', rule)}: ${printable(message)}`).join('\n'),
  })
}

function read(what, file) {
  const fs = require('node:fs')
  return readable(what, file, (name) => fs.readFileSync(name))
}

function readable(what, place, open, optional = false) {
  try {
    return open(place)
  } catch (error) {
    const absent = error.code === 'ENOENT'
    if (absent && optional) return undefined
    const reason = REASONS[error.code] ?? error.message
    throw new LauncherError(absent ? 'OKSTRA_FILE_NOT_FOUND' : 'OKSTRA_IO', `cannot read ${what} ${place}: ${reason}`, {
      hint: 'Check the path.',
      path: place,
    })
  }
}

module.exports = {
  summary: 'Check a final report against its contract',
  usage: '<file> --task-type TYPE [options]',
  positionals: [1, 1],
  wants: 'a report',
  options: {
    'task-type': TASK_TYPE,
    'worker-results': { value: 'DIR', description: "The directory of the workers' results: the report writer's has to be there, or in a release-handoff run must not" },
    'command-log': { value: 'FILE', description: 'The recorded git and gh commands: those of 4.6.4 have to be in it' },
  },
  details: [
    'Names line and rule of each breach: sections that are missing, extra, twice or in the wrong place, empty where they have to be filled and the reverse, placeholder text that was left in, a report writer where there must be none. Headings in code fences and comments do not count.',
    'Ends with 0 when there is none, with 1 and the list of breaches when there is one, and with 3 when there is no such file.',
  ],
  examples: [
    ['okstra report check report.md --task-type implementation --worker-results worker-results', 'with the results it was written from'],
    ['okstra report check report.md --task-type release-handoff --command-log commands.log --json', 'for a program'],
  ],
  run: reportCheck,
}

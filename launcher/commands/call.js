'use strict'
const { addon } = require('../addon.js')
const { usageError } = require('../errors.js')
const { nearest } = require('../suggest.js')

// A closed list: what the Node API exports, by the same names and with the same arguments. `Sync` twins are left out,
// since a program that waits for a process waits for both alike, and so are the questions and the lock of the launcher's
// own work (`locateDirectory`, `sharedDirectories`, `lockInstallation`). `signal` is not given by the caller: it is Ctrl-C.
const FUNCTIONS = Object.freeze({
  provisionTaskWorktree: ['options', 'signal'],
  safeSegment: ['value'],
  computeWorktreePath: ['options'],
  computeBranchName: ['options'],
  listTasks: ['filter'],
  surveyTasks: ['options', 'signal'],
  inspectTask: ['options', 'signal'],
  diskUse: ['options', 'signal'],
  reclaim: ['options', 'signal'],
  removeTask: ['options', 'signal'],
  restoreTask: ['options', 'signal'],
  listTrash: ['filter'],
  prune: ['options', 'signal'],
  guardPath: ['path', 'options'],
  doctor: ['options', 'signal'],
  adoptWorktree: ['options', 'signal'],
  warmSpares: ['options', 'signal'],
  listSpares: [],
  listSpareLeftovers: [],
  errorCodes: [],
  version: [],
  'registry.taskKey': ['projectId', 'taskGroup', 'taskId'],
  'registry.lookup': ['projectId', 'taskGroup', 'taskId'],
  'registry.reserve': ['options'],
  'registry.touchPhase': ['projectId', 'taskGroup', 'taskId', 'phase'],
  'registry.release': ['projectId', 'taskGroup', 'taskId'],
  'registry.list': ['filter'],
  'registry.history': ['filter'],
})

const given = (name) => FUNCTIONS[name].filter((parameter) => parameter !== 'signal')

async function call({ positionals: [name, text] }) {
  if (!Object.hasOwn(FUNCTIONS, name)) {
    const meant = nearest(name, Object.keys(FUNCTIONS))
    const hint = meant ? `Did you mean ${meant}?` : 'See `okstra help call` for the functions there are.'
    throw usageError(`there is no function ${JSON.stringify(name)} to call`, hint)
  }
  const args = read(name, text === '-' ? await standardInput() : text)
  const invoke = name.split('.').reduce((owner, part) => owner[part], addon())
  let result
  if (FUNCTIONS[name].includes('signal')) {
    const { interruptible } = require('../interruptible.js')
    const all = Array.from({ length: given(name).length }, (_, index) => args[index])
    result = await interruptible((signal) => invoke(...all, signal))
  } else {
    result = await invoke(...args)
  }
  return { data: { result: result ?? null }, text: JSON.stringify(result ?? null, undefined, 2) }
}

/** The arguments that a JSON text holds: those of an array in their order, else the text is the only one. */
function read(name, text) {
  if (text === undefined || text.trim() === '') return []
  const hint = `Usage: okstra call ${name} '[${given(name).join(', ')}]', or - to read it from standard input.`
  let value
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw usageError(`the arguments of ${name} are no JSON: ${error.message}`, hint)
  }
  const args = Array.isArray(value) ? value : [value]
  const most = given(name).length
  if (args.length > most) {
    const takes = most === 0 ? 'no argument' : most === 1 ? '1 argument' : `${most} arguments`
    throw usageError(`${name} takes ${takes}, and ${args.length} came`, hint)
  }
  return args
}

async function standardInput() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8').replace(/^\ufeff/, '')
}

module.exports = {
  summary: 'Call one function of the Node API, for programs in other languages',
  usage: 'FUNCTION [JSON | -] [options]',
  positionals: [1, 2],
  wants: 'a function',
  options: {},
  details: [
    'The JSON is an array of the arguments in their order, or the only argument; with - it is read from standard input. Prints what the function returns as JSON; with --json in the form of every other command, as "result".',
    `The functions, which index.d.ts of the package documents: ${Object.keys(FUNCTIONS).map((name) => `${name}(${given(name).join(', ')})`).join(', ')}.`,
  ],
  examples: [
    ['okstra call registry.lookup \'["shop", "checkout", "fix-42"]\' --json', 'answers {"schema":1,"ok":true,"result":{...}}, with null for a task that nobody registered'],
    ['okstra call computeBranchName \'{"workCategory": "bug", "taskIdSegment": "42"}\'', 'prints "fix-42"'],
    ['okstra call provisionTaskWorktree - --json < options.json', 'with the arguments from a file'],
  ],
  progress: 'calling',
  run: call,
}

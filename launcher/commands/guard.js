'use strict'
const { isAbsolute, resolve } = require('node:path')
const { addon } = require('../addon.js')
const { PROJECT, namedTask } = require('../project.js')

function guard(context) {
  const { values } = context
  if (values.hook) return hook(context)
  const [place] = context.positionals
  if (place === undefined) throw require('../errors.js').usageError('guard needs a path', 'Usage: okstra guard PATH [options]')
  const cwd = resolve(context.cwd)
  const verdict = addon().guardPath(place, { cwd, taskKey: taskKey(context, cwd) })
  if (!verdict) throw noTask(cwd)
  if (!verdict.allowed) throw refusal(verdict)
  return { data: verdict, text: '' }
}

function taskKey({ values }, cwd) {
  return values.task === undefined ? undefined : namedTask({ values, positionals: [values.task], cwd }).taskKey
}

function noTask(cwd) {
  const { LauncherError } = require('../errors.js')
  return new LauncherError('OKSTRA_NOT_FOUND', `${cwd} is in no task's worktree`, {
    hint: 'Name the task with --task, or run this in its worktree.',
    path: cwd,
  })
}

function refusal({ path: place, taskKey: key, reason, hint }) {
  const { EXIT, LauncherError } = require('../errors.js')
  const about = { hint, path: place, taskKey: key }
  return new LauncherError('OKSTRA_OUTSIDE_WORKTREE', reason, { ...about, exitCode: EXIT.WORK_WOULD_BE_LOST })
}

// A hook that is called before a tool is used: {"cwd", "tool_input": {"file_path" or "notebook_path"}} comes in, and a
// refusal is a decision on standard output with exit code 0, because any other code than 2 would let the write through.
async function hook(context) {
  const call = parse(await standardInput())
  const cwd = typeof call.cwd === 'string' && isAbsolute(call.cwd) ? call.cwd : resolve(context.cwd)
  const place = call.tool_input?.file_path ?? call.tool_input?.notebook_path
  // A tool that writes to no file, or an agent that works on no task: nothing to say.
  if (typeof place !== 'string' || place === '') return { data: { verdict: null }, text: '' }
  const verdict = addon().guardPath(place, { cwd, taskKey: taskKey(context, cwd) })
  if (!verdict || verdict.allowed) return { data: { verdict }, text: '' }
  const decision = {
    hookEventName: 'PreToolUse',
    permissionDecision: 'deny',
    permissionDecisionReason: `${verdict.reason}. ${verdict.hint}`,
  }
  return { data: { verdict }, text: JSON.stringify({ hookSpecificOutput: decision }) }
}

function parse(text) {
  const { usageError } = require('../errors.js')
  let call
  try {
    call = JSON.parse(text)
  } catch (error) {
    throw usageError(`what --hook reads from standard input is no JSON: ${error.message}`, 'See `okstra help guard`.')
  }
  if (typeof call === 'object' && call !== null) return call
  throw usageError('what --hook reads from standard input is no JSON object', 'See `okstra help guard`.')
}

async function standardInput() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

module.exports = {
  summary: "Tell whether a path may be written to from within a task's worktree",
  usage: 'PATH [--task TASK] [options]',
  positionals: [0, 1],
  options: {
    task: { value: 'TASK', description: 'The task (default: the one whose worktree holds the current directory)' },
    project: PROJECT,
    hook: { description: 'Read the call of an agent (a PreToolUse hook) from standard input, and answer as such a hook' },
  },
  details: [
    "Exit code 0: PATH, which need not exist, lies in the task's worktree or in a shared directory that is linked into it. 4: it does not, and the message says where to write instead. 3: there is no such task, or the current directory is in no task's worktree.",
    'Links are resolved first, also those that dangle. This guards against mistakes and is no sandbox.',
    'With --hook, exit code 0 and no output lets the call pass; a refusal is a JSON decision on standard output. A call that names no file, or that comes from outside every task, passes.',
  ],
  examples: [
    ['okstra guard src/main.rs', "in a task's worktree"],
    ['okstra guard ~/shop/src/main.rs --task shop/checkout/fix-42', 'exits with 4: that is the main checkout'],
    ['okstra guard --hook', 'as the command of a PreToolUse hook for the tools that write files'],
  ],
  run: guard,
}

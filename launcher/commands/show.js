'use strict'
const { addon } = require('../addon.js')
const { PROJECT, namedTask } = require('../project.js')
const { age, toSecond } = require('../tasks.js')

const EVENTS = 10
// Names of one kind that are listed; the rest is counted.
const NAMES = 8

async function show(context) {
  const { interruptible } = require('../interruptible.js')
  const { taskKey } = namedTask(context)
  const { task, worktree } = await interruptible((signal) => addon().inspectTask({ taskKey }, signal))
  const events = await addon().registry.history({ taskKey, limit: EVENTS })
  return { data: { task, worktree, events }, text: describe(task, worktree, events, context.paint) }
}

function describe(task, worktree, events, paint) {
  const { table } = require('../output.js')
  const lines = events.map(({ at, event, phase, detail }) => [toSecond(at), event, phase ?? '', detail ?? ''])
  const history = lines.length > 0 ? table(lines).split('\n') : []
  const rows = [
    ['task', task.taskKey],
    ['state', task.state],
    ['problem', task.problem],
    ['path', task.worktreePath],
    ['branch', branchLine(task)],
    ['base', baseLine(task)],
    ['upstream', upstreamLine(task.upstream)],
    ['merged', mergedLine(task)],
    ['pushed', pushedLine(task)],
    ['last commit', commitLine(worktree?.lastCommit)],
    ['repository', task.repository ?? '(not recorded)'],
    ['created', task.createdAt && `${task.createdAt} (${age(task.createdAt)} ago)`],
    ['phase', task.lastPhase],
    ...workLines(task, worktree),
    ...processLines(task.processes),
    ['disk', diskLine(task.disk)],
    ['locked', worktree?.lock],
    ...history.map((line, i) => [i === 0 ? 'history' : '', line]),
  ]
  const told = rows.filter(([, text]) => text !== undefined && text !== '')
  return table(told, (_row, column, text) => (column === 0 ? paint('bold', text) : text))
}

function branchLine({ branch, checkedOut, detached }) {
  if (checkedOut) return `${branch} (the worktree is on ${checkedOut})`
  if (detached) return `${branch ?? '-'} (HEAD is detached at ${detached.slice(0, 12)})`
  return branch
}

function baseLine({ baseRef, base }) {
  if (!baseRef) return undefined
  if (base === null) return `${baseRef} (not in the repository any more)`
  if (!base) return baseRef
  return `${baseRef} (${apart(base)})`
}

function apart({ ahead, behind }) {
  const commits = (count) => `${count} ${count === 1 ? 'commit' : 'commits'}`
  const parts = [ahead > 0 && `${commits(ahead)} ahead`, behind > 0 && `${commits(behind)} behind`].filter(Boolean)
  return parts.join(', ') || 'at the same commit'
}

function upstreamLine(upstream) {
  return upstream && `${upstream.name} (${upstream.distance ? apart(upstream.distance) : 'gone'})`
}

function mergedLine({ merged }) {
  if (merged === undefined) return undefined
  if (merged === null) return 'unknown'
  const { how, into } = merged
  if (how === 'empty') return 'nothing to merge: the branch has no commit of its own'
  if (how === 'no') return 'no'
  return how === 'commits' ? `into ${into}` : `into ${into}, as other commits with the same changes`
}

function pushedLine({ unpushed, onlyHere }) {
  if (unpushed === null) return 'unknown'
  const alone = onlyHere > 0 ? `${onlyHere} on no other branch` : ''
  if (unpushed === undefined) return alone && `no remote-tracking branch; ${alone}`
  if (unpushed === 0) return 'all of it'
  return [`${unpushed} ${unpushed === 1 ? 'commit is' : 'commits are'} on no remote-tracking branch`, alone].filter(Boolean).join(', ')
}

function commitLine(commit) {
  return commit && `${commit.id.slice(0, 12)} ${commit.at.slice(0, 10)} ${commit.author}: ${commit.subject}`
}

function workLines({ work, operations }, worktree) {
  if (!worktree) return work === null ? [['work', 'unknown']] : []
  const lines = []
  if (operations) lines.push(['in progress', operations.join(', ')])
  if (worktree.nowhere > 0) lines.push(['detached', `${worktree.nowhere} commits are on no branch`])
  if (work?.changed === 0) lines.push(['work', 'everything is committed'])
  for (const name of ['staged', 'unstaged', 'conflicted', 'untracked', 'submodules', 'ignored', 'caches', 'links']) {
    const paths = worktree[name]
    if (paths.length === 0) continue
    const more = paths.length > NAMES ? `, and ${paths.length - NAMES} more` : ''
    lines.push([name, `${paths.slice(0, NAMES).join(', ')}${more}`])
  }
  return lines
}

function processLines(processes) {
  if (processes === null) return [['inside', 'unknown: this system does not tell']]
  return (processes ?? []).map(({ pid, command, by, ancestor }, i) => [
    i === 0 ? 'inside' : '',
    `${pid} ${command} (its ${by}${ancestor ? '; okstra was started from it' : ''})`,
  ])
}

function diskLine(disk) {
  const { bytes } = require('../survey.js')
  if (disk === null) return 'unknown'
  if (!disk) return undefined
  const { allocated, unique, reclaimable, entries } = disk
  const parts = [
    unique === null ? 'how much of it is shared is unknown' : unique !== allocated && `${bytes(unique)} of its own`,
    reclaimable > 0 && `${bytes(reclaimable)} in caches`,
  ].filter(Boolean)
  return `${bytes(allocated)} in ${entries} ${entries === 1 ? 'entry' : 'entries'}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`
}

module.exports = {
  summary: 'Show everything about one task',
  usage: '<task> [options]',
  positionals: [1, 1],
  options: { project: PROJECT },
  details: ['Ends with 3 when there is no such task.'],
  examples: [
    ['okstra show checkout/fix-42', 'in the repository of the project'],
    ['okstra show shop/checkout/fix-42 --json', 'from anywhere, for a program'],
  ],
  progress: 'looking at the worktree',
  run: show,
}

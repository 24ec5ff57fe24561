'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')

const { clear, contenders } = require('./contenders')
const { inTurn, median, milliseconds, processorTime } = require('./measure')

/** What may not be there: other people's tools, and the program that fills from memory where there is no cargo. */
const optional = (way) => way.peer || way.measure

/**
 * The time to make a worktree, each contender in turn, and their ratio; with `statusBar` also the time until the first
 * `git status` has answered, with `withSpace` also the disk space that it takes (beyond what names and inodes take, that
 * is judged by `diskBar`). The first round warms up.
 *
 * @returns one row for each contender and question; those for the picture, which has one of each size, name a `contender`
 */
function benchCreated(world, { files, size, rounds, bar, statusBar, withSpace, diskBar, label, only }) {
  const repository = world.repository(files, size)
  const ways = contenders(world, repository)
  const called = Object.keys(ways).filter((name) => (only ? only.includes(name) : !ways[name].named && (ways[name].make || ways[name].measure)))
  const names = []
  const seen = Object.fromEntries(called.map((name) => [name, { made: [], answered: [], space: [], processor: [], failed: ways[name].missing }]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of inTurn(called, round)) {
      if (seen[name].failed) continue
      try {
        const figures = measure(world, ways[name], { withStatus: statusBar, withSpace })
        if (round > 0) for (const [what, figure] of Object.entries(figures)) seen[name][what].push(figure)
      } catch (error) {
        if (!optional(ways[name])) throw error
        seen[name].failed = `failed: ${error.message}`
      }
    }
    clear(world.sandbox, repository)
    if (withSpace && round > 0) names.push(spaceOfNames(world.sandbox, repository))
  }
  const row = (question, which, limit) => (name) => ({
    ...rowOf({ what: `${question}, ${label ?? `${files} files`}: ${name}`, files }, seen[name], seen.git, which),
    ...(which === 'made' && label === undefined && { contender: name }),
    ...(name === 'okstra' && limit !== undefined && judged(seen, which, limit)),
  })
  const answering = called.filter((name) => seen[name].answered.length > 0)
  return [
    ...called.map(row('created', 'made', bar)),
    ...(statusBar ? answering.map(row('and first status', 'answered', statusBar)) : []),
    ...(withSpace ? spaceRows({ git: median(seen.git.space), okstra: median(seen.okstra.space), names: median(names) }, { files, label, diskBar }) : []),
  ]
}

/** One worktree: how long it took, the processor time, and what else is asked. */
function measure(world, way, { withStatus, withSpace } = {}) {
  const { sandbox } = world
  if (way.measure) return { made: way.measure() }
  way.prepare?.()
  const usedBefore = withSpace ? usedSpace(sandbox.directory) : 0
  const before = processorTime()
  let tree
  const made = milliseconds(() => (tree = way.make(world.number())))
  const after = processorTime()
  const figures = { made }
  if (before) figures.processor = { user: after.user - before.user, system: after.system - before.system }
  if (withSpace) figures.space = (usedSpace(sandbox.directory) - usedBefore) / (1 << 20)
  if (withStatus && tree) figures.answered = made + milliseconds(() => sandbox.git(tree, 'status', '--porcelain'))
  return figures
}

/** Bytes in use on the file system of a directory, when all that was written has got its place. */
function usedSpace(directory) {
  spawnSync('sync', ['-f', directory])
  const { blocks, bfree, bsize } = fs.statfsSync(directory)
  return (blocks - bfree) * bsize
}

/** The megabytes that the directories and files of a repository take when all of them are empty. */
function spaceOfNames(sandbox, repository) {
  const target = sandbox.path('names')
  const before = usedSpace(sandbox.directory)
  for (const name of sandbox.git(repository, 'ls-files', '-z').split('\0').filter(Boolean)) {
    const file = path.join(target, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, '')
  }
  const used = usedSpace(sandbox.directory) - before
  fs.rmSync(target, { recursive: true })
  return used / (1 << 20)
}

/** No copy does without names and inodes, so that what is judged is the rest of ours beside the whole tree. */
function spaceRows({ git, okstra, names }, { files, label, diskBar }) {
  const row = (what, megabytes, judge) => ({ what: `disk space, ${label}: ${what}`, files, median: megabytes, unit: 'MB', ratio: megabytes / git, bar: '', met: true, note: '', ...judge })
  const rest = Math.max(0, okstra - names)
  const judge = diskBar !== undefined && { bar: `${diskBar} x git`, met: rest / git <= diskBar }
  return [row('git', git), row('names and inodes alone', names), row('okstra', okstra), row('okstra beyond names and inodes', rest, judge)]
}

function rowOf(row, { made, processor, failed, ...figures }, git, which) {
  if (failed) return { ...row, median: null, ratio: null, bar: '', met: true, note: failed }
  const all = which === 'made' ? made : figures[which]
  const used = which === 'made' && processor.length > 0 ? meanOf(processor) : undefined
  return {
    ...row,
    median: median(all),
    // On a machine with other work this comes nearest to what a quiet one shows.
    best: Math.min(...all),
    ratio: median(all) / median(which === 'made' ? git.made : git[which]),
    bar: '',
    met: true,
    note: `${all.length} runs, best ${Math.min(...all).toFixed(1)}${used ? `; user ${used.user} + sys ${used.system} ms` : ''}`,
    ...(used && { processor: used }),
  }
}

// The kernel counts in steps of 10 ms, so that the mean says more than the median.
function meanOf(processor) {
  const mean = (which) => Math.round(processor.reduce((sum, one) => sum + one[which], 0) / processor.length)
  return { user: mean('user'), system: mean('system') }
}

function judged(seen, which, limit) {
  const ratio = median(seen.okstra[which]) / median(seen.git[which])
  return { bar: `${limit} x git`, met: ratio <= limit }
}

module.exports = { benchCreated, measure }

'use strict'

// The steps of a sequence: how they are drawn, and those that a person does behind okstra's back.

const fs = require('node:fs')
const path = require('node:path')

/** Steps and how often they come, of a hundred or so. */
const WEIGHTS = {
  provision: 18,
  commit: 8,
  modify: 7,
  stage: 7,
  untracked: 6,
  ignored: 4,
  cache: 3,
  detach: 3,
  release: 7,
  remove: 20,
  restore: 15,
  vanish: 5,
  move: 3,
  'move-back': 4,
  relocate: 3,
  corrupt: 5,
  doctor: 4,
  prune: 4,
  warm: 2,
  reclaim: 2,
}
const NAMES = Object.keys(WEIGHTS)
const TOTAL = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0)

const PHASES = ['requirements-discovery', 'implementation', 'release-handoff']
const MODES = ['plain', 'plain', 'allowed', 'allowed', 'all-but-one', 'force']
const DAMAGES = ['truncate', 'garbage', 'zeros', 'empty', 'delete']
/** Calls of okstra that may be killed in the middle. */
const KILLABLE = new Set(['provision', 'remove', 'restore', 'release', 'prune', 'doctor', 'warm', 'reclaim'])

function drawName(random) {
  let left = random.next() * TOTAL
  return NAMES.find((name) => (left -= WEIGHTS[name]) < 0) ?? NAMES[0]
}

/** One step. All that it will need is drawn now, so that a sequence with a step less is the same otherwise. */
function drawStep(random, tasks, number) {
  const op = number === 0 ? 'provision' : drawName(random)
  return {
    number,
    op,
    task: random.between(0, tasks - 1),
    phase: random.pick(PHASES),
    mode: random.pick(MODES),
    deleteBranch: random.next() < 0.25,
    purge: random.next() < 0.4,
    damage: random.pick(DAMAGES),
    at: random.next(),
    killed: KILLABLE.has(op) && random.next() < 0.1,
    commandLine: random.next() < 0.05,
  }
}

/** A step in words. */
function describe({ number, op, task, mode, deleteBranch, purge, damage, at, killed, commandLine }) {
  const more = {
    remove: `${mode}${deleteBranch ? ' --delete-branch' : ''}`,
    prune: purge ? 'everything in the trash' : 'merged and missing',
    corrupt: damage === 'truncate' ? `truncate at ${at.toFixed(2)}` : damage,
  }[op]
  const whose = ['corrupt', 'doctor', 'prune', 'warm', 'reclaim'].includes(op) ? '' : ` task-${task}`
  const how = killed ? ` [killed at ${at.toFixed(2)}, then again]` : commandLine ? ' [command line]' : ''
  return `${number}: ${op}${whose}${more ? ` (${more})` : ''}${how}`
}

const write = (tree, name, content) => {
  fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true })
  fs.writeFileSync(path.join(tree, name), content)
}

/** A tracked file that is there, chosen by the step. */
function trackedFile({ tree }, { at }) {
  const names = [...tree.index.keys()].filter((name) => name !== '.gitignore' && tree.files.has(name)).sort()
  return names[Math.floor(at * names.length)]
}

/** What a person does in a worktree. Each changes the model as it changes the disk; `false`: it cannot be done now. */
const IN_A_TREE = {
  modify({ place }, task, step, content) {
    const name = trackedFile(task, step)
    if (!name) return false
    write(place, name, content)
    task.tree.files.set(name, content)
  },
  stage({ git, place }, task, step, content) {
    const name = step.at < 0.5 ? `staged-${step.number}.txt` : trackedFile(task, step)
    if (!name) return false
    write(place, name, content)
    git('add', '--', name)
    task.tree.files.set(name, content)
    task.tree.index.set(name, content)
  },
  untracked({ place }, task, step, content) {
    const name = `notes/untracked-${step.number}.txt`
    write(place, name, content)
    task.tree.files.set(name, content)
  },
  ignored({ place }, task, step, content) {
    const name = `secret-${step.number}.log`
    write(place, name, content)
    task.tree.files.set(name, content)
  },
  cache({ place }, task, step, content) {
    const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n'
    for (const [name, text] of [['cache/CACHEDIR.TAG', tag], [`cache/object-${step.number}`, content]]) {
      write(place, name, text)
      task.tree.files.set(name, text)
    }
  },
  commit({ git, place, model }, task, step, content) {
    const { tree } = task
    const name = `committed-${step.number}.txt`
    write(place, name, content)
    git('add', '--', name)
    // All that is tracked, as it is on disk; what is missing there is taken out.
    git('commit', '-q', '--no-verify', '-a', '-m', `step ${step.number}`)
    tree.files.set(name, content)
    tree.index.set(name, content)
    for (const tracked of tree.index.keys()) {
      if (tree.files.has(tracked)) tree.index.set(tracked, tree.files.get(tracked))
      else tree.index.delete(tracked)
    }
    const commit = git('rev-parse', 'HEAD')
    model.commits.set(commit, { files: new Map(tree.index), parent: tree.head })
    tree.head = commit
    tree.log.add(commit)
    if (tree.onBranch) task.tip = commit
  },
  detach({ git }, task) {
    git('checkout', '-q', '--detach')
    task.tree.onBranch = false
  },
  vanish({ place }, task) {
    fs.rmSync(place, { recursive: true })
    const { index, head, onBranch, log } = task.tree
    task.entry = { index, head, onBranch, log }
    task.tree = null
  },
  move({ place, elsewhere }, task, step) {
    const to = path.join(elsewhere, `${task.name}-${step.number}`)
    fs.mkdirSync(elsewhere, { recursive: true })
    fs.renameSync(place, to)
    const { files, ...entry } = task.tree
    task.entry = { ...entry, movedBy: step.number }
    task.moved.push({ place: to, files, number: step.number })
    task.tree = null
  },
}

/** Puts a moved tree back, where git still keeps the entry that it had then. */
function moveBack({ place }, task) {
  const moved = task.moved.find(({ number }) => task.entry?.movedBy === number)
  if (!moved || task.tree) return false
  fs.renameSync(moved.place, place)
  task.moved = task.moved.filter((one) => one !== moved)
  const { movedBy: _, ...tree } = task.entry
  task.tree = { ...tree, files: moved.files }
  task.entry = null
}

/** Damages the registry as a power cut, a full disk or a person does. Gives the backup's rows, which may count now. */
function corrupt(file, { damage, at }) {
  const content = fs.readFileSync(file)
  const position = Math.floor(at * content.length)
  const damages = {
    truncate: () => fs.writeFileSync(file, content.subarray(0, position)),
    garbage: () => fs.writeFileSync(file, Buffer.alloc(content.length, '\u0001{"garbage')),
    zeros: () => fs.writeFileSync(file, Buffer.concat([content.subarray(0, position), Buffer.alloc(content.length - position)])),
    empty: () => fs.writeFileSync(file, ''),
    delete: () => fs.rmSync(file),
  }
  damages[damage]()
}

module.exports = { IN_A_TREE, corrupt, describe, drawStep, moveBack }

'use strict'

// What is being done when the power is cut. A story has `prepare(world)`, which is on the disks already, and steps, each
// with what to ask for, what a person does before, and what is true of which task once it was answered.
//
// The state of a task: `status`, `phase`, `files` (what is in its tree, or in the trash), `removed`. A step may also
// `repeat` with these errors: asked again after it was done, it says so.

const fs = require('node:fs')
const path = require('node:path')

const { DAMAGES } = require('../support/damages')
const { createRandom } = require('../support/random')

const active = (world, phase = 'one', files = world.base) => ({ status: 'active', phase, files })
const released = (before) => ({ ...before, status: 'released' })
const removed = (before) => ({ ...before, status: 'released', removed: true })

const provision = (task, phase) => ({ name: `provision ${task}`, args: (world) => world.provision(task, phase), task, after: (world, before) => active(world, phase, before?.removed ? world.base : (before?.files ?? world.base)) })
const release = (task) => ({ name: `release ${task}`, args: (world) => ['release', world.key(task)], task, after: (_, before) => released(before) })
const remove = (task, more = {}) => ({ name: `remove ${task}`, args: (world) => ['remove', world.key(task), '--force'], task, after: (_, before) => removed(before), ...more })
const restore = (task) => ({ name: `restore ${task}`, args: (world) => ['restore', world.key(task)], task, repeat: ['OKSTRA_KEY_EXISTS'], after: (_, before) => ({ ...before, status: 'active', removed: false }) })

/** What somebody makes of the files of a tree: uncommitted, staged, untracked and ignored ones. */
const worn = (files, task) => ({
  ...files,
  'large.bin': `${'changed '.repeat(3000)}of ${task}\n`,
  'staged.txt': `staged in ${task}\n`,
  'untracked.txt': `${'untracked '.repeat(900)}in ${task}\n`,
  'ignored.log': `ignored in ${task}\n`,
})

/** Somebody works in a tree, and flushes nothing of it. */
function work(world, task) {
  const tree = world.tree(task)
  for (const [name, text] of Object.entries(worn({}, task))) fs.writeFileSync(path.join(tree, name), text)
  // Objects that a person's own git leaves empty are no matter of ours.
  world.git(tree, '-c', 'core.fsync=all', 'add', 'staged.txt')
}

/** The step with work in the tree before it: what the step promises holds for it too. */
const afterWork = (step) => ({
  ...step,
  before: (world) => work(world, step.task),
  after: (world, before) => step.after(world, { ...before, files: worn(before.files, step.task) }),
})


const provisioned = (world, task) => {
  world.must(world.provision(task))
  return active(world)
}

const worked = (world, task) => {
  provisioned(world, task)
  work(world, task)
  return active(world, 'one', worn(world.base, task))
}

const STORIES = {
  cold: {
    prepare: () => ({}),
    steps: [provision('a', 'one'), provision('b', 'one'), provision('a', 'two'), provision('c', 'one'), provision('b', 'two')],
  },
  spare: {
    prepare(world) {
      world.must(['warm', '--count', '2'])
      return {}
    },
    steps: [provision('a', 'one'), provision('b', 'one'), provision('a', 'two')],
  },
  release: {
    prepare: (world) => ({ a: worked(world, 'a'), b: provisioned(world, 'b') }),
    steps: [release('b'), provision('b', 'two'), release('a'), provision('a', 'three')],
  },
  remove: {
    prepare: (world) => ({ a: provisioned(world, 'a'), b: provisioned(world, 'b'), c: provisioned(world, 'c') }),
    steps: [afterWork(remove('a')), remove('b'), provision('b', 'two'), afterWork(remove('c'))],
  },
  restore: {
    prepare(world) {
      const states = { a: worked(world, 'a'), b: worked(world, 'b') }
      for (const task of ['a', 'b']) {
        world.must(['remove', world.key(task), '--force'])
        states[task] = removed(states[task])
      }
      return states
    },
    steps: [restore('a'), restore('b'), remove('a'), restore('a')],
  },
  prune: {
    prepare(world) {
      for (const task of ['a', 'b', 'c']) {
        worked(world, task)
        world.must(['remove', world.key(task), '--force'])
      }
      return { d: provisioned(world, 'd') }
    },
    steps: [{ name: 'prune', args: () => ['prune', '--yes', '--older-than', '0'], pruned: true }],
  },
  doctor: {
    prepare(world) {
      const states = { a: worked(world, 'a'), b: provisioned(world, 'b'), c: provisioned(world, 'c') }
      const task = (name) => ({ tree: world.tree(name), admin: path.join(world.repository, '.git', 'worktrees', name), branch: '' })
      const damage = (name, who) => DAMAGES[name](world.sandbox, { repository: world.repository, pick: () => task(who), random: createRandom(1) })
      damage('forgotten', 'b')
      damage('no index', 'c')
      damage('no record', 'a')
      damage('no exclude block', 'a')
      damage('stale locks', 'a')
      damage('torn commondir', 'a')
      return states
    },
    steps: [{ name: 'doctor --fix', args: () => ['doctor', '--fix'], mended: true }],
    broken: true,
  },
  install: {
    prepare: (world) => ({ a: provisioned(world, 'a') }),
    steps: [{ name: 'install', args: () => ['install'], installed: true }],
  },
}

module.exports = { STORIES }

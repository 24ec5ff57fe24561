'use strict'
// The addon under test, inside the environment of a sandbox. The addon reads the environment at each call, so a test
// takes it over for its own time.

const fs = require('node:fs')
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const okstra = require('../..')
const { sandbox } = require('./repository.js')

/** A sandbox (see repository.js) whose environment is that of this process until the test ends. */
function apiSandbox(t) {
  const box = sandbox(t)
  const before = { ...process.env }
  const replace = (environment) => {
    for (const name of Object.keys(process.env)) {
      if (!(name in environment)) delete process.env[name]
    }
    Object.assign(process.env, environment)
  }
  replace(box.env)
  t.after(() => replace(before))

  /** Options that provision `task` in the repository at `projectRoot`. */
  const options = (projectRoot, task, more = {}) => ({
    taskType: 'implementation',
    projectRoot,
    projectId: 'shop',
    taskGroupSegment: 'checkout',
    taskIdSegment: task,
    workCategory: 'fix',
    ...more,
  })
  return { ...box, options }
}

/** The error that a synchronous call throws. */
function thrownBy(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** The error that a promise is rejected with. */
async function rejectionOf(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('the promise was not rejected')
}

/**
 * A post-checkout hook that stops where it is until it is told to go on, without any sleeping: `reached` resolves when it
 * runs, `release()` lets it end. Both ends are FIFOs, so this is for Unix.
 */
function blockingHook(box, repository) {
  const [reached, release] = ['reached', 'release'].map((name) => path.join(box.dir, name))
  execFileSync('mkfifo', [reached, release])
  const hook = path.join(repository, '.git', 'hooks', 'post-checkout')
  fs.mkdirSync(path.dirname(hook), { recursive: true })
  fs.writeFileSync(hook, `#!/bin/sh\necho here > '${reached}'\nread line < '${release}'\nexit 0\n`, { mode: 0o755 })
  return {
    reached: fs.promises.readFile(reached),
    release: () => fs.promises.writeFile(release, 'go\n'),
  }
}

module.exports = { apiSandbox, blockingHook, okstra, rejectionOf, thrownBy }

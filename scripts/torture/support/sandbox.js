'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.resolve(__dirname, '..', '..', '..')

const firstWritable = (directories) =>
  directories.find((directory) => {
    try {
      fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Memory where there is some to write to: kills and times do not need a disk, and the disk is what varies most. */
const temporaryRoot = () => firstWritable(['/dev/shm', os.tmpdir()])

/** A disk: git's own race needs one. In memory the window is so short that raw git hardly ever fails. */
const diskRoot = () => firstWritable(['/var/tmp', os.tmpdir()])

/** An environment in which nothing of the user reaches git or okstra. */
function hermeticEnvironment(directory, home) {
  const environment = {}
  for (const [name, value] of Object.entries(process.env)) {
    const foreign = name.startsWith('GIT_') || name.startsWith('OKSTRA_') || name.startsWith('NODE_')
    if (!foreign && value !== undefined) environment[name] = value
  }
  return {
    ...environment,
    HOME: path.join(directory, 'user'),
    OKSTRA_HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: os.devNull,
    GIT_AUTHOR_NAME: 'okstra',
    GIT_AUTHOR_EMAIL: 'okstra@example.invalid',
    GIT_COMMITTER_NAME: 'okstra',
    GIT_COMMITTER_EMAIL: 'okstra@example.invalid',
    LC_ALL: 'C',
  }
}

/** A throw-away directory with an okstra home and an environment of its own. */
class Sandbox {
  constructor(name, directory = temporaryRoot()) {
    this.directory = fs.realpathSync(fs.mkdtempSync(path.join(directory, `okstra-${name}-`)))
    this.home = path.join(this.directory, 'home')
    fs.mkdirSync(path.join(this.directory, 'user'))
    this.environment = hermeticEnvironment(this.directory, this.home)
  }

  path(...names) {
    return path.join(this.directory, ...names)
  }

  get registryFile() {
    return path.join(this.home, 'worktrees', 'registry.json')
  }

  /** Runs git; never throws. */
  tryGit(directory, ...args) {
    const options = { cwd: directory, env: this.environment, encoding: 'utf8', maxBuffer: 1 << 28 }
    const { status, signal, stdout, stderr } = spawnSync('git', args, options)
    return { status, signal, stdout: stdout ?? '', stderr: stderr ?? '' }
  }

  /** Runs git and gives its output; throws with git's own words. */
  git(directory, ...args) {
    const { status, signal, stdout, stderr } = this.tryGit(directory, ...args)
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${signal ?? status}: ${stderr.trim()}`)
    return stdout.trimEnd()
  }

  dispose() {
    // An orphan of a killed owner may still be writing below; it ends by itself within the retries.
    fs.rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

module.exports = { ROOT, Sandbox, diskRoot, temporaryRoot }

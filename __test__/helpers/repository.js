'use strict'
// Throw-away directories, repositories and environments for tests: nothing of the machine's own git or okstra
// configuration is seen, and everything is gone after the test.

const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.resolve(__dirname, '..', '..')
const BIN = path.join(ROOT, 'bin', 'okstra.js')

/** A copy of the environment without what would make a test depend on the machine, and with its own homes. */
function hermeticEnv(home) {
  const env = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(GIT_|OKSTRA_|NODE_TEST|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$|XDG_|CI$)/.test(name)) env[name] = value
  }
  return {
    ...env,
    HOME: home,
    USERPROFILE: home,
    OKSTRA_HOME: path.join(home, '.okstra'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: os.devNull,
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
    LC_ALL: 'C.UTF-8',
  }
}

/** Waits for the end of a child and collects what it wrote. */
function ended(child) {
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/**
 * A throw-away directory with its own HOME, OKSTRA_HOME and git environment, removed after the test.
 *
 * - `dir`: the directory; `home`: HOME in it; `okstraHome`: OKSTRA_HOME in it; `env`: the environment for children.
 * - `git(args, { cwd, env })`: runs git and returns its stdout without the final newline; throws when it fails.
 * - `repository(name, { files, commit })`: a repository on branch `main` with the files in a first commit
 *   (`commit: false` makes none); returns its path.
 * - `okstra(args, { cwd, env, input })`: runs the launcher to its end -> `{ code, signal, stdout, stderr }`.
 * - `start(args, { cwd, env, detached })`: starts the launcher -> `{ child, done }`, `done` resolving as `okstra` does;
 *   `detached`: as the leader of a process group of its own.
 *   What still runs after the test is ended.
 */
function sandbox(t) {
  // The name has a space on purpose: every path in every test goes through the quoting it needs.
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'okstra test-')))
  const home = path.join(dir, 'home')
  fs.mkdirSync(home)
  const env = hermeticEnv(home)
  const running = new Set()

  t.after(async () => {
    await Promise.all(
      [...running].map(({ child, done }) => {
        child.kill('SIGKILL')
        return done.catch(() => {})
      }),
    )
    fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  })

  function git(args, options = {}) {
    const output = execFileSync('git', args, {
      cwd: options.cwd ?? dir,
      env: { ...env, ...options.env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return output.replace(/\n$/, '')
  }

  function repository(name, { files = { 'README.md': '# Demo\n' }, commit = true } = {}) {
    const root = path.join(dir, name)
    fs.mkdirSync(root, { recursive: true })
    git(['init', '-q', '-b', 'main'], { cwd: root })
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
      fs.writeFileSync(path.join(root, file), content)
    }
    if (commit) {
      git(['add', '-A'], { cwd: root })
      git(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd: root })
    }
    return root
  }

  function start(args, options = {}) {
    const child = spawn(process.execPath, [options.bin ?? BIN, ...args], {
      cwd: options.cwd ?? dir,
      env: { ...env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: options.detached ?? false,
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    const done = ended(child)
    const entry = { child, done }
    running.add(entry)
    const forget = () => running.delete(entry)
    done.then(forget, forget)
    return entry
  }

  const okstra = (args, options) => start(args, options).done

  return { dir, home, okstraHome: env.OKSTRA_HOME, env, git, repository, okstra, start }
}

module.exports = { sandbox, hermeticEnv, ended, ROOT, BIN }

'use strict'

// What the proof of the packages needs around it: the registry as a process, and users who have nothing.

const { fork, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/** Starts the registry on a free port with its files in `storage`; `url`, and `stop` that waits for its end. */
async function startRegistry(storage) {
  fs.mkdirSync(storage)
  // It logs to its standard output what the configuration does not silence.
  const child = fork(path.join(__dirname, 'server.js'), [storage], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exit = new Promise((resolve) => child.once('exit', resolve))
  const { port } = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('error', reject)
    exit.then((code) => reject(new Error(`the registry ended with ${code}`)))
  })
  return {
    url: `http://127.0.0.1:${port}/`,
    stop() {
      if (child.connected) child.disconnect()
      return exit
    },
  }
}

/**
 * Somebody with an empty home and an empty npm cache, who knows of the registry and nothing else. Nothing of this
 * process's environment reaches them but where the programs lie.
 *
 * - `home`: their home; `dir`: an empty directory they work in; `env`: their environment, which they may add to.
 * - `run(program, args, { cwd })`: runs it to its end -> `{ code, stdout, stderr }`.
 * - `sh(script, { cwd, shell })`: the same for a shell script.
 * - `repository(name)`: a fresh git repository with one commit.
 */
function somebody(place, registry) {
  const home = path.join(place, 'home')
  const dir = path.join(place, 'empty directory')
  for (const directory of [home, dir]) fs.mkdirSync(directory, { recursive: true })
  const env = {
    PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    HOME: home,
    LC_ALL: 'C.UTF-8',
    TMPDIR: process.env.TMPDIR ?? '/tmp',
    npm_config_registry: registry,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Somebody',
    GIT_AUTHOR_EMAIL: 'somebody@example.com',
    GIT_COMMITTER_NAME: 'Somebody',
    GIT_COMMITTER_EMAIL: 'somebody@example.com',
  }

  function run(program, args, { cwd = dir } = {}) {
    const options = { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 }
    const { error, status, signal, stdout, stderr } = spawnSync(program, args, options)
    if (error) throw error
    return { code: status ?? signal, stdout, stderr }
  }

  const sh = (script, { cwd, shell = 'sh' } = {}) => run(shell, ['-c', script], { cwd })

  function repository(name) {
    const root = path.join(place, name)
    fs.mkdirSync(root)
    const { code, stderr } = sh('git init -q -b main && echo "# Demo" >README.md && git add -A && git commit -q -m first', { cwd: root })
    if (code !== 0) throw new Error(stderr)
    return root
  }

  return { home, dir, env, run, sh, repository }
}

module.exports = { startRegistry, somebody }

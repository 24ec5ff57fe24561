'use strict'

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const { ROOT } = require('../torture/support/sandbox')
const { clear } = require('./contenders')

/** Runs the rest of its arguments and prints the most memory that any one process of it had, in kilobytes. */
const PEAK = `
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(ended.returncode)
`

/** The peak memory of making one worktree: of git, and of the whole command line with Node in it. */
function benchMemory(world, { files, bar }) {
  const { sandbox } = world
  const repository = world.repository(files)
  const peak = (command) => {
    const options = { cwd: repository, env: sandbox.environment, encoding: 'utf8' }
    const { status, stdout, stderr, error } = spawnSync('python3', ['-c', PEAK, ...command], options)
    if (error?.code === 'ENOENT') return null
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr.trim()}`)
    return Number(stdout) / 1024
  }
  const git = peak(['git', 'worktree', 'add', '-q', '-b', 'raw', sandbox.path('raw', 'memory')])
  if (git === null) return [{ what: `peak memory, ${files} files`, median: null, ratio: null, bar: '', met: true, note: 'skipped: no python3' }]
  const okstra = path.join(ROOT, 'bin', 'okstra.js')
  const ours = peak([process.execPath, okstra, 'provision', 'bench/memory/task', '--phase', 'implementation'])
  clear(sandbox, repository)
  const row = (name, megabytes) => ({
    what: `peak memory, ${files} files: ${name}`,
    files,
    median: megabytes,
    unit: 'MB',
    ratio: megabytes / git,
    bar: name === 'okstra' ? `${bar} x git` : '',
    met: name === 'okstra' ? megabytes / git <= bar : true,
    note: name === 'okstra' ? 'the command line, Node and all' : 'one run',
  })
  return [row('git', git), row('okstra', ours)]
}

module.exports = { benchMemory }

'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { ROOT } = require('../torture/support/sandbox')

const THREADS = Math.min(8, os.availableParallelism())

const SOURCE = path.join(ROOT, 'examples', 'limit.rs')
const PROGRAM = path.join(ROOT, 'target', 'bench-limit')
// rustc wants the user's own directories, and not those of the sandbox.
const ENVIRONMENT = { ...process.env }

/** Builds the program where that has not been done. It needs the standard library alone: cargo would build okstra first. */
function build() {
  const age = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (age(PROGRAM) > age(SOURCE)) return
  fs.mkdirSync(path.dirname(PROGRAM), { recursive: true })
  const { status, stderr, error } = spawnSync('rustc', ['-O', '--edition', '2024', '-o', PROGRAM, SOURCE], { cwd: ROOT, env: ENVIRONMENT, encoding: 'utf8' })
  if (status !== 0) throw new Error(error?.message ?? `examples/limit.rs does not build: ${stderr.trim().split('\n', 1)}`)
}

/**
 * What no way of filling trees can beat here, in milliseconds: the files of `repository` made in each of `targets` from
 * memory, by as many threads as okstra uses. The targets are gone again.
 */
function fillFromMemory(repository, ...targets) {
  build()
  const { status, stdout, stderr } = spawnSync(PROGRAM, [`${THREADS}`, repository, ...targets], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.trim())
  for (const target of targets) fs.rmSync(target, { recursive: true })
  return Number(stdout)
}

module.exports = { THREADS, fillFromMemory }

'use strict'
// A repository whose spares are tested, and a filter that holds git up in the middle of filling one.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { sandbox } = require('./repository.js')

const FILES = {
  'README.md': '# Demo\n',
  'src/main.txt': 'text\n',
  'src/deep/er/page.txt': 'page\n',
  'crlf.txt': 'a\r\nb\r\n',
  'empty': '',
}

/** Path, kind, mode and content of everything in a tree but its `.git` file and the links' targets. */
function contents(tree) {
  const found = {}
  const visit = (directory) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      const file = path.join(directory, entry.name)
      const name = path.relative(tree, file)
      if (name === '.git') continue
      const { mode } = fs.lstatSync(file)
      if (entry.isSymbolicLink()) found[name] = [mode, fs.readlinkSync(file)]
      else if (entry.isDirectory()) {
        found[name] = [mode]
        visit(file)
      } else found[name] = [mode, fs.readFileSync(file, 'hex')]
    }
  }
  visit(tree)
  return found
}

/**
 * A sandbox with the repository `root`, and in addition: `run` calls okstra there and gives what it answers; `names` are
 * those of all directories among the spares, `ready` of those that may be claimed; `provision`, `warm`.
 */
function place(t, files = FILES) {
  const box = sandbox(t)
  const root = box.repository('shop', { files })
  const run = async (...args) => {
    const { code, stdout, stderr } = await box.okstra([...args, '--json'], { cwd: root })
    assert.equal(code, 0, stderr + stdout)
    return JSON.parse(stdout)
  }
  const pools = path.join(box.okstraHome, 'worktrees', '.spares')
  const names = () => (fs.existsSync(pools) ? fs.readdirSync(pools).flatMap((pool) => fs.readdirSync(path.join(pools, pool))) : [])
  const ready = () => names().filter((name) => name.startsWith('ready-'))
  const provision = (task, ...more) => run('provision', `g/${task}`, '--phase', 'p', ...more)
  const warm = (count) => run('warm', '--count', String(count), '--keep-free', '0')
  return { ...box, root, run, pools, names, ready, provision, warm }
}

/**
 * A filter of every file `*.gate` of a repository that waits once the gate is closed: `entered()` resolves with the process
 * that waits there, `open()` lets it and all after it through.
 */
function gate(t, { dir, git, root }) {
  const at = (name) => path.join(dir, name)
  const script = ['#!/bin/sh', 'cd "$(dirname "$0")"', '[ -e closed ] || exec cat', 'echo $$ > entered', 'read -r _ < go', 'exec cat', '']
  fs.writeFileSync(at('filter'), script.join('\n'), { mode: 0o755 })
  execFileSync('mkfifo', [at('entered'), at('go')])
  git(['config', 'filter.gate.smudge', `'${at('filter')}'`], { cwd: root })
  const waiting = new Set()
  t.after(() => {
    for (const pid of waiting) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It is gone, as it should.
      }
    }
  })
  return {
    close: () => fs.writeFileSync(at('closed'), ''),
    async entered() {
      const pid = Number(await fs.promises.readFile(at('entered'), 'utf8'))
      waiting.add(pid)
      return pid
    },
    async open() {
      fs.rmSync(at('closed'))
      await fs.promises.writeFile(at('go'), '\n')
    },
  }
}

/** Resolves when no process warms this repository any more; to be found in /proc, so on Linux alone. */
async function noWarming(root) {
  const warming = () =>
    fs.readdirSync('/proc').some((pid) => {
      try {
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.includes('warm') && words.includes(root)
      } catch {
        return false
      }
    })
  while (warming()) await new Promise((resolve) => setTimeout(resolve, 10))
}

module.exports = { FILES, contents, place, gate, noWarming }

'use strict'

// What lives on the disks: a repository, an okstra home (on the same disk, or on the other one), and what is asked of them.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { ROOT, Sandbox } = require('../support/sandbox')
const { createRepository } = require('../support/repository')

const OKSTRA = path.join(ROOT, 'bin', 'okstra.js')
const LARGE = 'large.bin'

class World {
  constructor(places, durability) {
    this.sandbox = new Sandbox('power-cut', places[0])
    this.home = path.join(places.at(-1), 'okstra-home')
    this.sandbox.home = this.home
    this.environment = { ...this.sandbox.environment, OKSTRA_HOME: this.home, OKSTRA_DURABILITY: durability, CLAUDE_CONFIG_DIR: path.join(places.at(-1), 'agent') }
  }

  /** A repository with files of all sizes, one of them larger than any journal transaction writes at once. */
  populate(files) {
    this.repository = createRepository(this.sandbox, { files, seed: 7 })
    const large = Buffer.alloc(700_000)
    for (let at = 0; at < large.length; at++) large[at] = 32 + ((at * at + at) % 90)
    fs.writeFileSync(path.join(this.repository, LARGE), large)
    this.git(this.repository, 'add', '-A')
    this.git(this.repository, 'commit', '-q', '-m', 'large')
    this.base = contents(this.repository)
  }

  /** Runs the command line; gives `{ code, data, error, text }`. */
  okstra(args, cwd = this.repository) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [OKSTRA, ...args, '--json'], { cwd, env: this.environment, encoding: 'utf8', timeout: 120_000 })
    let answer = {}
    try {
      answer = JSON.parse(stdout)
    } catch {
      // What it said instead is in `text`.
    }
    return { code: status, data: answer, error: answer.error, text: `${stdout}${stderr}`.trim().slice(0, 600) }
  }

  /** The same where it must succeed. */
  must(args) {
    const answer = this.okstra(args)
    if (answer.code !== 0) throw new Error(`okstra ${args.join(' ')}: ${answer.text}`)
    return answer.data
  }

  tryGit(directory, ...args) {
    return this.sandbox.tryGit(directory, ...args)
  }

  git(directory, ...args) {
    return this.sandbox.git(directory, ...args)
  }

  key(task) {
    return `project/group/${task}`
  }

  tree(task) {
    return path.join(this.home, 'worktrees', 'project', 'group', task)
  }

  provision(task, phase = 'one') {
    return ['provision', this.key(task), '--phase', phase]
  }
}

/** Every file below a directory but git's own and the shared ones: name to content, a link to where it points. */
function contents(directory) {
  const found = {}
  const walk = (place, name) => {
    for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
      const [file, key] = [path.join(place, entry.name), name ? `${name}/${entry.name}` : entry.name]
      if (key === '.git' || key === '.scratch') continue
      if (entry.isDirectory()) walk(file, key)
      else found[key] = entry.isSymbolicLink() ? `-> ${fs.readlinkSync(file)}` : fs.readFileSync(file, 'latin1')
    }
  }
  walk(directory, '')
  return found
}

/** What differs between what is there and what should be, in words; at most three of it. */
function differences(found, wanted) {
  const words = []
  for (const name of new Set([...Object.keys(found), ...Object.keys(wanted)])) {
    if (found[name] === wanted[name]) continue
    if (wanted[name] === undefined) words.push(`${name} should not be there`)
    else if (found[name] === undefined) words.push(`${name} is missing`)
    else words.push(`${name} has ${found[name] === '' ? 'no content' : `${found[name].length} bytes of other content`}`)
  }
  return words.length > 3 ? [...words.slice(0, 3), `and ${words.length - 3} more`] : words
}

module.exports = { World, contents, differences }

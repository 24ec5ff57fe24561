'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/**
 * A `git` for PATH that runs the real one, and on one call dies or takes its caller with it. It is steered by files,
 * because okstra hands git an environment of its own.
 */
class FakeGit {
  constructor(sandbox) {
    this.directory = sandbox.path('fake-git')
    fs.mkdirSync(this.directory)
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8', env: sandbox.environment }).trim()
    const script = `#!/bin/sh
here='${this.directory}'
echo "$*" >> "$here/calls"
[ -e "$here/plan" ] || exec '${real}' "$@"
read -r when how pattern < "$here/plan"
case " $* " in
  *"$pattern"*) ;;
  *) exec '${real}' "$@" ;;
esac
# Two calls at once must not have the same number: only one of them can make a directory.
number=1
until mkdir "$here/numbers/$number" 2>/dev/null; do number=$((number + 1)); done
[ "$number" -eq "$when" ] || exec '${real}' "$@"
touch "$here/fired"
case $how in
  dies-before) kill -9 $$ ;;
  dies-after) '${real}' "$@"; kill -9 $$ ;;
  fails) exit 128 ;;
  owner-dies-before) kill -9 $PPID $$ ;;
  owner-dies-after) '${real}' "$@"; kill -9 $PPID $$ ;;
esac
`
    fs.writeFileSync(path.join(this.directory, 'git'), script, { mode: 0o755 })
    this.environment = { ...sandbox.environment, PATH: `${this.directory}:${sandbox.environment.PATH}` }
  }

  /** What happens at the `when`-th call whose arguments hold `pattern` (any, without one). */
  plan(when, how, pattern = '') {
    for (const name of ['numbers', 'fired', 'calls']) fs.rmSync(path.join(this.directory, name), { recursive: true, force: true })
    fs.mkdirSync(path.join(this.directory, 'numbers'))
    fs.writeFileSync(path.join(this.directory, 'plan'), `${when} ${how} ${pattern}\n`)
  }

  /** Whether the planned call came. */
  fired() {
    return fs.existsSync(path.join(this.directory, 'fired'))
  }

  /** How many calls came that the plan counts. */
  counted() {
    return fs.readdirSync(path.join(this.directory, 'numbers')).length
  }

  /** The arguments of the last call, without the settings that all have. */
  lastCall() {
    const calls = fs.readFileSync(path.join(this.directory, 'calls'), 'utf8').trimEnd().split('\n')
    return calls.findLast(Boolean)?.replace(/-c \S+ /g, '').slice(0, 80)
  }
}

module.exports = { FakeGit }

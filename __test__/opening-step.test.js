'use strict'
// The opening step of the skills, run as it stands there by real shells: with okstra on the PATH and through npx, and in
// the ways in which it fails.

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, BIN } = require('./helpers/repository.js')
const { renderedSkills } = require('../launcher/install/render.js')

const SHELLS = { bash: ['--norc', '--noprofile'], zsh: ['-f'], dash: [] }
const VARIABLES = ['OKSTRA_HOME', 'OKSTRA_WORKTREES', 'OKSTRA_REGISTRY', 'OKSTRA_SKILLS', 'OKSTRA_TEMPLATES', 'OKSTRA_PYTHONPATH', 'OKSTRA_VERSION', 'PYTHONPATH']
const BLOCK = /^```sh\n(okstra_cli\(\).*?)^```$/ms

function whereIs(program) {
  const finder = process.platform === 'win32' ? ['where', [program]] : ['/bin/sh', ['-c', 'command -v "$1"', 'sh', program]]
  try {
    return execFileSync(...finder, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0]
  } catch {
    return undefined
  }
}

const blocks = renderedSkills().map(({ text }) => BLOCK.exec(text)?.[1])

/**
 * A repository, and a PATH with git, Node and, by `mode`, either `okstra` or an `npx` that runs it as
 * `npx -y okstra@latest ...`; both write down what they were called with. `replaced` is a shell script instead of okstra.
 * `run(script)` gives the script to the shell on its standard input, as an agent that feeds a shell does.
 */
function desk(t, shell, mode, { flags = '-eu', replaced, env = {} } = {}) {
  const box = sandbox(t)
  const root = box.repository('shop')
  const tools = path.join(box.dir, 'tools')
  const calls = path.join(box.dir, 'calls')
  fs.mkdirSync(tools)
  fs.writeFileSync(calls, '')
  for (const [name, target] of [['node', process.execPath], ['git', whereIs('git')]]) fs.symlinkSync(target, path.join(tools, name))
  const program = replaced ?? `exec node '${BIN}' "$@"`
  const script = (name, lines) => fs.writeFileSync(path.join(tools, name), `#!/bin/sh\necho "${name} $*" >>'${calls}'\n${lines}\n`, { mode: 0o755 })
  if (mode === 'global') script('okstra', program)
  if (mode === 'npx') script('npx', `[ "$1 $2" = '-y okstra@latest' ] || exit 64\nshift 2\n${program}`)
  // Quotes, blanks and what a shell would expand.
  const home = path.join(box.dir, `o'k "$(x)" * \\ home`)
  const all = { ...box.env, OKSTRA_HOME: home, CLAUDE_CONFIG_DIR: path.join(box.dir, 'agent'), ...env, PATH: tools }
  async function run(text, cwd = root) {
    const child = spawn(whereIs(shell), [...SHELLS[shell], ...(flags ? [flags] : []), '-s'], { cwd, env: all, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => {})
    child.stdin.end(text)
    const result = await ended(child)
    return { ...result, calls: fs.readFileSync(calls, 'utf8').split('\n').filter(Boolean) }
  }
  const setUp = () => execFileSync(process.execPath, [BIN, 'setup'], { cwd: root, env: { ...all, PATH: process.env.PATH }, stdio: 'ignore' })
  return { ...box, root, home, run, setUp }
}

const TELL = `node -e 'console.log(JSON.stringify(${JSON.stringify(VARIABLES)}.map((name) => process.env[name])))'\n`

test('all skills carry one and the same step', () => {
  assert.equal(blocks.length, 3)
  assert.ok(blocks[0].includes('ensure-installed') && blocks.every((block) => block === blocks[0]))
})

for (const shell of Object.keys(SHELLS)) {
  const skip = process.platform === 'win32' ? 'for POSIX shells' : whereIs(shell) ? false : `no ${shell} on this machine`

  for (const [mode, flags] of [['global', '-eu'], ['npx', '-eu'], ['global', '']]) {
    test(`${shell} ${flags}, ${mode}: installs, sets the variables, and reads the project`, { skip }, async (t) => {
      const { run, setUp, home, root } = desk(t, shell, mode, { flags, env: { PYTHONPATH: '/a b:/c' } })
      setUp()
      // Twice in one shell: nothing is put before PYTHONPATH a second time.
      const { code, stdout, stderr, calls } = await run(`${blocks[0]}${TELL}${blocks[0]}${TELL}`)
      assert.deepEqual([code, stderr], [0, ''])
      const [project, variables, ...again] = stdout.trimEnd().split('\n')
      assert.deepEqual(again, [project, variables])
      const { schema, ok, projectId, projectRoot } = JSON.parse(project)
      assert.deepEqual([schema, ok, projectId, projectRoot], [1, true, 'shop', root])
      const inHome = (...names) => path.join(home, ...names)
      assert.deepEqual(JSON.parse(variables), [
        home,
        inHome('worktrees'),
        inHome('worktrees', 'registry.json'),
        inHome('skills'),
        inHome('templates'),
        inHome('python'),
        require('../package.json').version,
        `${inHome('python')}:/a b:/c`,
      ])
      assert.ok(fs.existsSync(inHome('skills', 'okstra-setup', 'SKILL.md')), 'ensure-installed did its work')
      const prefix = mode === 'npx' ? 'npx -y okstra@latest' : 'okstra'
      const once = ['ensure-installed', 'paths --shell', 'check-project --json'].map((args) => `${prefix} ${args}`)
      assert.deepEqual(calls, [...once, ...once])
    })
  }

  test(`${shell}: without a project it says what to run, and shows what was printed`, { skip }, async (t) => {
    const { run } = desk(t, shell, 'global', { flags: '' })
    const { code, stdout, stderr } = await run(`${blocks[0]}echo "ended with $?, python at $PYTHONPATH"\n`)
    const [answer, after] = stdout.trimEnd().split('\n')
    const { ok, error } = JSON.parse(answer)
    assert.deepEqual([code, ok], [0, false])
    assert.match(error.hint, /okstra setup/)
    assert.match(stderr, /^this project is not set up for okstra: run `\/okstra-setup`$/m)
    assert.match(after, /^ended with 3, python at .*\bpython$/)
    // Without PYTHONPATH before: no colon behind it, which would mean the current directory.
    assert.ok(!after.endsWith(':'))
  })

  test(`${shell} -eu: it stops when okstra cannot be installed`, { skip }, async (t) => {
    const { run, dir } = desk(t, shell, 'npx', { env: { OKSTRA_HOME: path.join(__filename, 'home') } })
    const { code, stdout, stderr, calls } = await run(`${blocks[0]}echo "not reached"\n`)
    assert.deepEqual([code, stdout, calls], [1, '', ['npx -y okstra@latest ensure-installed']], dir)
    assert.match(stderr, /^okstra: .+[^]*^okstra is not installed: run `npx okstra@latest install`$/m)
  })

  test(`${shell}: it stops when there is neither okstra nor npx`, { skip }, async (t) => {
    const { run } = desk(t, shell, 'none', { flags: '' })
    const { stdout, stderr } = await run(`${blocks[0]}echo "ended with $?, python at \${PYTHONPATH-nothing}"\n`)
    assert.equal(stdout, 'ended with 1, python at nothing\n')
    assert.match(stderr, /npx[^]*^okstra is not installed: run `npx okstra@latest install`$/m)
  })

  test(`${shell} -eu: it stops when the paths cannot be told`, { skip }, async (t) => {
    const { run } = desk(t, shell, 'global', { replaced: '[ "$1" != paths ] || { echo "no paths" >&2; exit 1; }' })
    const { code, stdout, stderr, calls } = await run(`${blocks[0]}echo "not reached"\n`)
    assert.deepEqual([code, stdout, calls], [1, '', ['okstra ensure-installed', 'okstra paths --shell']])
    assert.match(stderr, /no paths\n.*`npx okstra@latest install`/)
  })
}

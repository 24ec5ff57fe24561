'use strict'
// `okstra paths`: what real shells make of its lines, and that it tells the same home as the core.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { apiSandbox, okstra: addon, thrownBy } = require('./helpers/api.js')
const { sandbox, BIN } = require('./helpers/repository.js')
const { okstraHome, placesIn, inside } = require('../launcher/home.js')
const { exportLines } = require('../launcher/shells.js')
const { version } = require('../package.json')

const SHELLS = {
  bash: { args: ['--noprofile', '--norc'], evaluate: 'eval "$LINES_TO_READ"' },
  zsh: { args: ['-f'], evaluate: 'eval "$LINES_TO_READ"' },
  dash: { args: [], evaluate: 'eval "$LINES_TO_READ"' },
  fish: { args: ['--no-config'], evaluate: 'printf %s $LINES_TO_READ | source' },
}

const NASTY = [
  "it's", "''", "'", '"double" `id` $(id) $HOME ${HOME}', 'a\\b\\', '\\', '\\n', '!history !!', 'two\nlines\n', '\n', '\ttab\r',
  '한글 ünï 🦀', '~', '*?[a]{b,c}', '-n', '%s %d', ' spaces  kept ', '#no comment', 'a;b&c|d>e<f', '‘typo’', '=x', '\u0001\u007f', '',
]

const installed = (shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0
const dumpEnvironment = `"${process.execPath}" -e 'process.stdout.write(JSON.stringify(process.env))'`

/** What a child of a shell sees in its environment after the shell evaluated the lines. */
function seenAfter(shell, script, env) {
  const { args } = SHELLS[shell]
  const { status, stdout, stderr } = spawnSync(shell, [...args, '-c', `${script}\n${dumpEnvironment}`], { env, encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
  return JSON.parse(stdout)
}

for (const [shell, { evaluate }] of Object.entries(SHELLS)) {
  test(`${shell} reads back every value exactly, and exports it`, (t) => {
    if (!installed(shell)) return t.skip(`${shell} is not installed`)
    const { env } = sandbox(t)
    const variables = NASTY.map((value, i) => [`OKSTRA_TEST_${i}`, value])
    const seen = seenAfter(shell, evaluate, { ...env, LINES_TO_READ: exportLines(shell, variables) })
    for (const [name, value] of variables) assert.equal(seen[name], value, `${name} in ${shell}`)
  })

  test(`${shell} evaluates what the command prints`, (t) => {
    if (!installed(shell)) return t.skip(`${shell} is not installed`)
    const { env, dir } = sandbox(t)
    const home = path.join(dir, `it's $HOME "and" \`id\` \\ !x 한글`)
    const call = `"${process.execPath}" "${BIN}" paths --shell`
    const script = shell === 'fish' ? `${call} fish | source` : `eval "$(${call})"`
    const seen = seenAfter(shell, script, { ...env, OKSTRA_HOME: home, PWD: dir })
    assert.deepEqual(
      Object.fromEntries(Object.entries(seen).filter(([name]) => name.startsWith('OKSTRA_'))),
      {
        OKSTRA_HOME: home,
        OKSTRA_WORKTREES: `${home}/worktrees`,
        OKSTRA_REGISTRY: `${home}/worktrees/registry.json`,
        OKSTRA_SKILLS: `${home}/skills`,
        OKSTRA_TEMPLATES: `${home}/templates`,
        OKSTRA_PYTHONPATH: `${home}/python`,
        OKSTRA_VERSION: version,
      },
    )
  })
}

test('the quotes around eval may be forgotten where the paths are plain', (t) => {
  const { env } = sandbox(t)
  const seen = seenAfter('bash', `eval $("${process.execPath}" "${BIN}" paths --shell)`, { ...env, OKSTRA_HOME: '/a/b' })
  assert.deepEqual([seen.OKSTRA_HOME, seen.OKSTRA_VERSION], ['/a/b', version])
})

test('PowerShell lines double every character that PowerShell takes for a single quote', () => {
  const lines = exportLines('powershell', [['A', "it's"], ['B', '‘x’‚y‛ $env:HOME `n "q"']])
  assert.equal(lines, "$env:A = 'it''s'\n$env:B = '‘‘x’’‚‚y‛‛ $env:HOME `n \"q\"'")
})

test('--shell with and without a value, --json, and the table', async (t) => {
  const { okstra, okstraHome: home } = sandbox(t)
  const lines = async (...args) => (await okstra(['paths', ...args])).stdout
  const bare = await lines('--shell')
  for (const same of [['--shell', 'bash'], ['--shell=zsh'], ['--shell', 'posix'], ['--shell=sh']]) assert.equal(await lines(...same), bare)
  assert.match(await lines('--shell', 'fish'), /^set -gx OKSTRA_HOME '/)
  assert.match(await lines('--shell=powershell'), /^\$env:OKSTRA_HOME = '/)
  const answer = JSON.parse(await lines('--shell', '--json'))
  assert.deepEqual(answer, { schema: 1, ok: true, ...placesIn(home), version })
  const rows = (await lines()).trimEnd().split('\n').map((line) => line.split(/ {2,}/))
  assert.deepEqual(rows[0], ['OKSTRA_HOME', home])
  assert.equal(rows.length, 7)
  assert.equal(fs.existsSync(home), false, 'nothing is made')
})

test('the launcher and the core mean the same home', (t) => {
  const { home, dir } = apiSandbox(t)
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(dir)
  const named = [
    undefined, '', ' ', '\u0085\u2003', ' /a/b ', '/a/b/', '//a//b/./c', '///a', '//', '/', '.', './x', 'x/../y', '/a/../b', '..', 'rel',
    '\ufeff/a', '\u00a0/a', '~', '~/x', '/ünï 한글/🦀', '/a\nb', '/a\u007f', '/a\u009f', "/it's", '/a/.', './././b/.',
  ]
  const homes = [home, '/', '', undefined, 'relative', `${home}/`, `${home}/../x`]
  const ids = { projectId: 'p', taskGroupSegment: 'g', taskIdSegment: 't' }
  const told = (call) => {
    try {
      return { value: call() }
    } catch (error) {
      return { code: error.code, hint: error.hint, message: error.message.split(' "')[0] }
    }
  }
  const pairs = [...named.map((value) => [value, home]), ...homes.map((value) => [undefined, value])]
  for (const [OKSTRA_HOME, HOME] of pairs) {
    for (const [name, value] of Object.entries({ OKSTRA_HOME, HOME })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    const core = told(() => addon.computeWorktreePath(ids))
    assert.deepEqual(told(() => inside(okstraHome(), 'worktrees', 'p', 'g', 't')), core, JSON.stringify({ OKSTRA_HOME, HOME }))
  }
  process.env.OKSTRA_HOME = '/a\nb'
  assert.equal(thrownBy(okstraHome).code, 'OKSTRA_INVALID_ARGUMENT')
})

test('paths needs no addon', async (t) => {
  const { dir, env } = sandbox(t)
  const preload = path.join(dir, 'trace.js')
  fs.writeFileSync(preload, "process.on('exit', () => console.error(Object.keys(require.cache).join('\\n')))")
  const { status, stderr } = spawnSync(process.execPath, ['-r', preload, BIN, 'paths', '--shell'], { env, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.doesNotMatch(stderr, /[\\/]index\.js$|\.node$/m)
})

'use strict'
// Help, wrong usage, and an installation that is not right.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ended, ROOT, BIN } = require('./helpers/repository.js')
const { COMMANDS, GLOBAL_OPTIONS } = require('../launcher/table.js')

test('every command has help with usage, every option and examples', async (t) => {
  const { okstra } = sandbox(t)
  for (const [name, { options, examples }] of Object.entries(COMMANDS)) {
    const words = name.split(' ')
    const asked = [await okstra([...words, '--help']), await okstra(['help', ...words]), await okstra([...words, '-h', '--no-such'])]
    const [byOption, byCommand, withRubbish] = asked
    assert.deepEqual([byOption.code, byOption.stderr], [0, ''], name)
    assert.equal(byCommand.stdout, byOption.stdout)
    assert.equal(withRubbish.code, 2, name)
    assert.match(byOption.stdout, new RegExp(`^Usage: okstra ${name} `, 'm'))
    assert.match(byOption.stdout, /^Options:$/m)
    assert.match(byOption.stdout, /^Examples:\n {2}\$ .*okstra /m)
    for (const option of Object.keys({ ...options, ...GLOBAL_OPTIONS })) {
      assert.match(byOption.stdout, new RegExp(`^ +(-\\w, )?--${option}\\b.* {2}\\w`, 'm'), `${name} --${option}`)
    }
    assert.ok(examples.every(([command]) => command.includes(`okstra ${name}`) || command.includes(`(okstra ${name}`)))
    assert.ok(byOption.stdout.split('\n').every((line) => line.length <= 100), name)
  }
})

test('the overview names every command, and --help needs no command', async (t) => {
  const { okstra } = sandbox(t)
  const { code, stdout } = await okstra(['--help'])
  assert.equal(code, 0)
  assert.equal((await okstra(['help'])).stdout, stdout)
  for (const name of Object.keys(COMMANDS)) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
  const { commands } = JSON.parse((await okstra(['help', '--json'])).stdout)
  assert.deepEqual(commands.map(({ name }) => name), Object.keys(COMMANDS))
  const bare = await okstra([])
  assert.deepEqual([bare.code, bare.stdout], [2, ''])
  assert.match(bare.stderr, /Usage: okstra <command>/)
})

test('--version', async (t) => {
  const { okstra } = sandbox(t)
  const { version } = require('../package.json')
  assert.equal((await okstra(['--version'])).stdout, `okstra ${version}\n`)
  assert.deepEqual(JSON.parse((await okstra(['--version', '--json'])).stdout), { schema: 1, ok: true, version })
})

const WRONG = [
  [['proviison', 'g/t'], /no command "proviison"/, /`okstra provision`/],
  [['constructor'], /no command "constructor"/, /okstra help/],
  [['report'], /report is not a command by itself/, /new, check/],
  [['report', 'chek', 'x.md'], /no command "report chek"/, /`okstra report check`/],
  [['report new'], /no command "report new"/, /`okstra report new`/],
  [['report', 'check', '--task-type', 'a'], /needs a report/, /Usage: okstra report check <file>/],
  [['report', 'new', '--task-type', 'release-handof'], /--task-type cannot be "release-handof"/, /release-handoff/],
  [['help', 'lst'], /no command "lst"/, /`okstra list`/],
  [['chekc-project'], /no command "chekc-project"/, /`okstra check-project`/],
  [['check', 'project'], /no command "check"/, /`okstra check-project`/],
  [['setup', '--projct-id', 'x'], /no option --projct-id/, /--project-id/],
  [['reprot', 'new'], /no command "reprot"/, /`okstra report new`/],
  [['help', 'report', 'chekc'], /no command "report chekc"/, /`okstra report check`/],
  [['report', 'nwe'], /no command "report nwe"/, /`okstra report new`/],
  [['report', 'new', '--tsk-type', 'x'], /no option --tsk-type/, /--task-type/],
  [['list', '--porject', 'x'], /no option --porject/, /--project/],
  [['list', '--toString'], /no option --toString/, /okstra help list/],
  [['--jsn', 'list'], /no option --jsn/, /--json/],
  [['list', '-x'], /no option -x/, /okstra help list/],
  [['list', '--status', 'activ'], /--status cannot be "activ"/, /active/],
  [['list', '--project'], /--project needs a value/, /--project PROJECT/],
  [['list', '--project', ''], /--project needs a value/, /--project PROJECT/],
  [['list', '--project', '--help'], /--help looks like an option/, /--project=--help/],
  [['list', '--json=yes'], /--json takes no value/, /alone/],
  [['list', 'surplus'], /cannot use the argument "surplus"/, /Usage: okstra list/],
  [['history', '--limit', '1.5'], /--limit cannot be "1.5"/, /whole number, 1 or more/],
  [['history', '--limit', '0'], /--limit cannot be "0"/, /whole number, 1 or more/],
  [['history', '--limit', '99999999999999999999'], /--limit cannot be "99999999999999999999"/, /whole number, from 1 to 9007199254/],
  [['warm', '--keep-free', '9999999999999'], /--keep-free cannot be "9999999999999"/, /whole number, from 0 to 9007199254/],
  [['paths', '--shell', 'powershel'], /--shell cannot be "powershel"/, /powershell/],
  [['paths', '--shell='], /--shell needs a value/, /--shell \[SHELL\]/],
  [['paths', '--shell', '--', 'fish'], /cannot use the argument "fish"/, /Usage: okstra paths/],
  [['provision', 'p/g/t'], /needs --phase PHASE/, /Usage: okstra provision/],
  [['provision', '--phase', 'p'], /needs a task/, /Usage: okstra provision/],
  [['provision', 'p/g/t', '--phase', 'p', '--lock-timeout=-1'], /--lock-timeout cannot be "-1"/, /whole number/],
  [['show', 'alone'], /"alone" names no task/, /<group>\/<task>/],
  [['show', 'a/b/c/d'], /names no task/, /<group>\/<task>/],
  [['show', 'p/g/'], /names no task/, /<group>\/<task>/],
  [['show', 'p/g/t', '--project', 'q'], /the task names the project p, and --project names q/, /out/],
  [['show', 'g/t'], /in no repository/, /--project/],
]

for (const [args, message, hint] of WRONG) {
  test(`wrong usage: okstra ${args.join(' ')}`, async (t) => {
    const { okstra } = sandbox(t)
    const text = await okstra(args)
    assert.deepEqual([text.code, text.stdout], [2, ''], text.stderr)
    assert.match(text.stderr, message)
    assert.match(text.stderr, hint)
    assert.doesNotMatch(text.stderr, /^ +at /m)
    const asJson = await okstra(args.includes('--json=yes') ? [...args, '--json'] : ['--json', ...args])
    assert.deepEqual([asJson.code, asJson.stderr], [2, ''])
    const { schema, ok, error } = JSON.parse(asJson.stdout)
    assert.deepEqual([schema, ok, error.code], [1, false, 'OKSTRA_USAGE'])
    assert.match(error.message, message)
    assert.match(error.hint, hint)
  })
}

test('a Node that is too old gets a clear message', async (t) => {
  const { dir, env } = sandbox(t)
  const preload = path.join(dir, 'old.js')
  fs.writeFileSync(preload, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } })")
  const run = (...args) => ended(spawn(process.execPath, ['-r', preload, BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const text = await run('list')
  assert.deepEqual([text.code, text.stdout], [1, ''])
  assert.match(text.stderr, /needs Node 20 or newer; this is Node 18\.20\.4/)
  const asJson = await run('list', '--json')
  assert.equal(asJson.code, 1)
  assert.equal(JSON.parse(asJson.stdout).error.code, 'OKSTRA_NODE_TOO_OLD')
})

test('neither help nor wrong usage loads the addon or more than one command', async (t) => {
  const { dir, env } = sandbox(t)
  const preload = path.join(dir, 'trace.js')
  fs.writeFileSync(preload, "process.on('exit', () => console.error(JSON.stringify(Object.keys(require.cache))))")
  const loaded = async (...args) => {
    const { stderr } = await ended(spawn(process.execPath, ['-r', preload, BIN, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] }))
    return JSON.parse(stderr.trimEnd().split('\n').at(-1)).map((file) => path.relative(ROOT, file))
  }
  const commands = (files) => files.filter((file) => file.startsWith(path.join('launcher', 'commands')))
  const help = await loaded('help', 'provision')
  assert.deepEqual(commands(help).sort(), ['help.js', 'provision.js'].map((file) => path.join('launcher', 'commands', file)))
  assert.ok(!help.includes('index.js'))
  const list = await loaded('list')
  assert.deepEqual(commands(list), [path.join('launcher', 'commands', 'list.js')])
  assert.deepEqual(list.filter((file) => file.includes('node_modules')), [])
})

test('in a directory that was deleted only what needs it fails, by either way', { skip: process.platform === 'win32' }, async (t) => {
  const box = sandbox(t)
  const root = box.repository('shop')
  const place = (await box.okstra(['provision', 'g/fix', '--phase', 'p'], { cwd: root })).stdout.trim()
  await box.okstra(['install'])
  const there = (args, env) => {
    const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    const gone = path.join(box.dir, 'gone')
    return ended(spawn('sh', ['-c', script, gone, process.execPath, BIN, ...args], { env: { ...box.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
  }
  for (const [args, says] of [
    [['path', 'shop/g/fix'], `${place}\n`],
    [['path', 'g/fix', '--project', 'shop'], `${place}\n`],
    [['paths', '--shell'], (await box.okstra(['paths', '--shell'])).stdout],
    [['paths', '--shell=posix'], (await box.okstra(['paths', '--shell'])).stdout],
    [['ensure-installed'], ''],
    [['list', '--porcelain'], (await box.okstra(['list', '--porcelain'])).stdout],
    [['warm', '--count', '0', '--root', root], '0 ready\n'],
    [['provision', 'g/fix', '--phase', 'p', '--root', root], `${place}\n`],
  ]) {
    const { code, stdout, stderr } = await there(args)
    assert.deepEqual([code, stdout], [0, says], args.join(' ') + stderr)
  }
  assert.equal((await there(['ensure-installed', '--json'])).code, 0)
  const needed = ['path g/fix', 'warm', 'provision g/fix --phase p', 'guard x', 'doctor', 'history', 'setup', 'check-project', 'adopt . --task g/t', 'report check x.md --task-type analysis']
  for (const command of needed) {
    const { code, stdout, stderr } = await there(command.split(' '))
    assert.deepEqual([code, stdout], [3, ''], command + stderr)
    assert.match(stderr, /^okstra: cannot find the current directory: [^]*Change into a directory that exists/, command)
  }
  for (const args of [['paths', '--shell'], ['paths'], ['ensure-installed']]) {
    const { code, stderr } = await there(args, { OKSTRA_HOME: 'relative' })
    assert.deepEqual([code, /cannot find the current directory/.test(stderr)], [3, true], args.join(' ') + stderr)
  }
})

'use strict'
// A short demonstration in a throw-away directory: one task goes through three phases and finds its work each time.
// Every command shown is really run; nothing outside the directory is touched.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { styleText } = require('node:util')

const BIN = path.join(__dirname, '..', 'bin', 'okstra.js')
const TASK = 'checkout/fix-42'
const colours = process.stdout.isTTY && !process.env.NO_COLOR && styleText

const paint = (format, text) => (colours ? styleText(format, text) : text)
const say = (text = '') => process.stdout.write(`${text}\n`)

function environment(dir) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(GIT_|OKSTRA_)/.test(name))
  return {
    ...Object.fromEntries(kept),
    HOME: dir,
    OKSTRA_HOME: path.join(dir, 'okstra'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: os.devNull,
    GIT_AUTHOR_NAME: 'Demo',
    GIT_AUTHOR_EMAIL: 'demo@example.com',
    GIT_COMMITTER_NAME: 'Demo',
    GIT_COMMITTER_EMAIL: 'demo@example.com',
  }
}

function demonstrate(dir) {
  const env = environment(dir)
  const shop = path.join(dir, 'shop')
  fs.mkdirSync(path.join(shop, '.scratch'), { recursive: true })
  fs.writeFileSync(path.join(shop, 'cart.txt'), 'total = 41\n')

  function run(program, args, cwd) {
    const [file, words] = program === 'okstra' ? [process.execPath, [BIN, ...args]] : [program, args]
    const { status, stdout, stderr, error } = spawnSync(file, words, { cwd, env, encoding: 'utf8' })
    if (error || status !== 0) {
      throw new Error(`${program} ${args.join(' ')} failed (${status ?? error}):\n${stderr ?? ''}${stdout ?? ''}`)
    }
    return { stdout, stderr }
  }

  const quoted = (word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`)
  function show(program, args, cwd) {
    say(paint('bold', `  ~/${path.relative(dir, cwd)} $ ${[program, ...args].map(quoted).join(' ')}`))
    const { stdout, stderr } = run(program, args, cwd)
    for (const line of stderr.trimEnd().split('\n')) if (line) say(`    ${paint('gray', line)}`)
    for (const line of stdout.trimEnd().split('\n')) if (line) say(`    ${line}`)
    say()
    return stdout.trimEnd()
  }
  const provision = (phase) => show('okstra', ['provision', TASK, '--phase', phase, '--category', 'bug'], shop)

  run('git', ['init', '-q', '-b', 'main'], shop)
  run('git', ['add', 'cart.txt'], shop)
  run('git', ['commit', '-q', '-m', 'A cart that miscounts'], shop)

  say(`A repository "shop" with one commit. The task ${TASK} gets a worktree of its own:\n`)
  const first = provision('requirements-discovery')

  say('This phase writes its finding down in the shared directory and commits a note:\n')
  fs.writeFileSync(path.join(first, '.scratch', 'finding.md'), 'The total is off by one.\n')
  fs.writeFileSync(path.join(first, 'notes.md'), 'Expected: 42\n')
  show('git', ['add', 'notes.md'], first)
  show('git', ['commit', '-q', '-m', 'Note what is expected'], first)

  say('The next phases are other processes. They get the same worktree and branch, with the work in it:\n')
  const second = provision('implementation-planning')
  fs.writeFileSync(path.join(second, 'cart.txt'), 'total = 42\n')
  show('git', ['commit', '-q', '-a', '-m', 'Count right'], second)
  const third = provision('implementation')
  show('git', ['log', '--oneline', '--decorate'], third)
  if (first !== second || second !== third) throw new Error('the phases did not get the same worktree')

  say('The main worktree is untouched, and sees what was written to the shared directory:\n')
  show('git', ['status', '--short', '--branch'], shop)
  say(`  .scratch/finding.md: ${fs.readFileSync(path.join(shop, '.scratch', 'finding.md'), 'utf8')}`)
  const link = fs.readlinkSync(path.join(third, '.scratch'))
  say(`  In the worktree, .scratch is a link to ${link}\n`)

  say('The registry knows what there is and what happened:\n')
  show('okstra', ['list'], shop)
  show('okstra', ['history', TASK], shop)
}

function main() {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-demo-')))
  const clean = () => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  try {
    demonstrate(dir)
    say('The demonstration and its directory are gone again. To use okstra in a repository of yours:\n')
    say('    npm link                                            # once: puts `okstra` on your PATH')
    say('    cd <your repository>')
    say('    cd "$(okstra provision <group>/<task> --phase <phase> --category feature)"')
    say('    okstra help')
  } catch (error) {
    process.stderr.write(`The demonstration failed: ${error.message}\n`)
    process.exitCode = 1
  }
}

main()

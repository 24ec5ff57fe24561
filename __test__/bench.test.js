'use strict'
// The benchmark: what it writes, what it draws, and how it takes a wrong option. What it measures says nothing here.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { createRepository } = require('../scripts/bench/repository.js')
const { picture } = require('../scripts/bench/picture.js')
const { withTables } = require('../scripts/bench/tables.js')
const { Sandbox } = require('../scripts/torture/support/sandbox.js')
const { sandbox, ROOT } = require('./helpers/repository.js')

const bench = (...args) => spawnSync(process.execPath, [path.join(ROOT, 'scripts', 'bench.js'), ...args], { encoding: 'utf8' })

const rows = [
  ...[[200, 15], [2000, 80], [20000, 750]].map(([files, median]) => ({ contender: 'git', files, median })),
  ...[[20000, 250], [200, 14]].map(([files, median]) => ({ contender: 'okstra', files, median })),
  { contender: 'wt', files: 200, median: null },
  { what: 'created, 20000 files on xfs', files: 20000, median: 400 },
]

test('the picture is well-formed and has a point for each row of a contender', (t) => {
  const svg = picture(rows)
  const points = [...svg.matchAll(/<path [^>]*ecmeta_series_index="(\d)"[^>]*ecmeta_data_index="(\d)" ecmeta_ssr_type="chart"/g)].map(([, series, index]) => `${series}:${index}`)
  assert.deepEqual(points.sort(), ['0:0', '0:1', '0:2', '1:0', '1:1'])
  for (const name of ['git worktree add', 'okstra', '10,000', '100 ms']) assert.ok(svg.includes(`>${name}</text>`), name)
  assert.ok(!svg.includes('worktrunk'))
  const file = path.join(sandbox(t).dir, 'picture.svg')
  fs.writeFileSync(file, svg)
  execFileSync('python3', ['-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', file])
  assert.throws(() => picture([]), /nothing to draw/)
})

test('the picture, the tables and the figures that are shown belong together', () => {
  const shown = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8')
  const found = JSON.parse(shown('docs/bench/result.json'))
  const pages = ['README.md', 'docs/performance.md']
  const anew = `make them anew: node scripts/bench.js --from docs/bench/result.json --svg docs/bench/create.svg ${pages.map((page) => `--tables ${page}`).join(' ')}`
  assert.ok(shown('docs/bench/create.svg') === picture(found.rows), anew)
  for (const page of pages) {
    assert.ok(shown(page) === withTables(shown(page), found), anew)
    assert.match(shown(page), /bench\/create\.svg/)
  }
  const [page, file] = ['docs/crash-safety.md', 'docs/bench/durability.json']
  assert.ok(shown(page) === withTables(shown(page), JSON.parse(shown(file))), `make it anew: node scripts/bench.js --from ${file} --tables ${page}`)
})

test('a table says every bar, and which is not met', () => {
  const judged = [
    { what: 'created, 20000 files: okstra', median: 1234.4, ratio: 0.5, bar: '0.4 x git', met: false, note: '8 runs' },
    { what: 'created, 20000 files: git', median: 2468.8, ratio: 1, bar: '', met: true, note: '' },
    { what: 'reused, 1000 rows', median: 0.0441, ratio: null, bar: '0.05 ms', met: true, note: '' },
  ]
  const text = withTables('a\n<!-- bench: bars -->\nold\n<!-- /bench -->\nz', { rows: judged })
  assert.match(text, /^a\n<!-- bench: bars -->\n\n\| what /)
  assert.match(text, /\| created, 20,000 files: okstra \| <= 0\.4 x git \| \*\*not met\*\*: 0\.50 x \(1,234 ms\) \| 8 runs \|\n/)
  assert.match(text, /\| reused, 1,000 rows \| <= 0\.05 ms \| 0\.044 ms \|  \|\n\n<!-- \/bench -->\nz$/)
  assert.doesNotMatch(text, /: git|old/)
  assert.match(withTables('<!-- bench: create -->\n<!-- /bench -->', { rows: judged }), /\| 20,000 files \| 2,469 ms \| 0\.50 x \|/)
  assert.throws(() => withTables('<!-- bench: other -->\n<!-- /bench -->', { rows: [] }), /there is no table other/)
})

test('a table says by which door okstra was measured', () => {
  const created = (contender, median) => ({ what: `created, 200 files: ${contender}`, contender, files: 200, median, ratio: median / 10, bar: '', met: true, note: '' })
  const rowsOf = [created('git', 10), created('okstra', 8), created('okstra, a spare', 7), created('okstra, the command', 45)]
  const text = withTables('<!-- bench: short -->\n<!-- /bench -->\n<!-- bench: create -->\n<!-- /bench -->', { rows: rowsOf })
  assert.match(text, /\| repository \| `git worktree add` \| `okstra provision` \| a call of the API \| the same, claiming a spare \|\n.*\n\| 200 files \| 10 ms \| 45 ms \| 8\.0 ms \| 7\.0 ms \|\n/)
  assert.match(text, /\| create \| .* \| okstra, a call \| a call, with a spare \| `okstra provision` \|/)
  assert.match(text, /\| 200 files \| 10 ms \| 0\.80 x \| 0\.70 x \| 4\.50 x \|/)
  assert.ok(!picture(rowsOf).includes('the command'))
})

test('a run writes its rows and where they come from', (t) => {
  const file = path.join(sandbox(t).dir, 'result.json')
  const { status, stdout, stderr } = bench('--quick', '--only', 'created-200', '--json', file)
  assert.ok(status === 0 || status === 1, stderr)
  const { schema, at, machine, rows: written } = JSON.parse(fs.readFileSync(file, 'utf8'))
  assert.equal(schema, 1)
  assert.ok(!Number.isNaN(Date.parse(at)))
  assert.deepEqual([machine.node, machine.platform], [process.version, process.platform])
  for (const row of written) {
    assert.equal(row.scenario, 'created-200')
    assert.ok(stdout.includes(row.what))
    for (const name of ['median', 'ratio']) assert.ok(row[name] === null || row[name] > 0, `${row.what}: ${name}`)
    assert.equal(typeof row.met, 'boolean')
  }
  const contenders = ['git', 'git, 2 workers', 'okstra', 'okstra, a spare', 'okstra, the command', 'from memory', 'wt', 'gtr']
  assert.deepEqual(written.map(({ contender }) => contender), contenders)
  assert.equal(written.find(({ contender }) => contender === 'okstra').bar, '1 x git')
  assert.equal(status, written.every(({ met }) => met) ? 0 : 1)
})

test('what very many rows and worktrees cost is measured through the command, beside git', (t) => {
  const file = path.join(sandbox(t).dir, 'result.json')
  const { status, stderr } = bench('--quick', '--only', 'scale', '--json', file)
  assert.ok(status === 0 || status === 1, stderr)
  const measured = JSON.parse(fs.readFileSync(file, 'utf8')).rows
  assert.deepEqual(measured.map(({ what, bar }) => `${what} | ${bar}`), [
    '1000 rows: node -e 0 | ',
    ...['path', 'provision, reused', 'list --fast', 'list --fast --json', 'release', 'provision of a new task'].map((name) => `1000 rows: okstra ${name} | 300 ms user + sys`),
    '5 worktrees: okstra doctor | 10000 ms',
    '5 worktrees: git status in each, in a row | ',
    '5 worktrees: okstra list | 0.3 x git status',
    '5 worktrees: okstra provision in an empty repository | ',
    '5 worktrees: okstra provision of one more | 3 x in an empty repository',
    '5 worktrees: git worktree add in an empty repository | ',
    '5 worktrees: git worktree add of one more | ',
  ])
  for (const { what, median } of measured) assert.ok(median > 0, what)
})

test('rows that cannot be written in the end are not lost', { skip: process.platform !== 'linux' && 'needs /dev/full' }, () => {
  const kept = path.join(ROOT, 'docs', 'bench', 'result.json')
  for (const option of ['--json', '--svg']) {
    const { status, stdout, stderr } = bench('--from', kept, option, '/dev/full')
    assert.equal(status, 2)
    assert.deepEqual(JSON.parse(stdout), JSON.parse(fs.readFileSync(kept, 'utf8')))
    assert.match(stderr, /^cannot write \/dev\/full: no space left on device\. The rows are on standard output/)
  }
})

test('wrong options end with 2 and measure nothing', () => {
  for (const [args, says] of [
    [['--only', 'created-7'], /there is no scenario created-7, only startup, /],
    [['nothing'], /there is no scenario nothing/],
    [['--fast'], /^there is no option --fast, only --quick, --only, --json, --svg, --tables, --from, --help\n$/],
    [['-x'], /^there is no option -x, only --quick/],
    [['--json'], /^--json needs a value\n$/],
    [['--json', '--quick'], /^--json needs a value\n$/],
    [['--quick=yes'], /^--quick takes no value\n$/],
    [['--from', '/nowhere.json'], /^cannot read the rows of \/nowhere\.json: no such file or directory\. Name a file that --json wrote\.\n$/],
    [['--from', path.join(ROOT, 'package.json')], /^cannot read the rows of .*: it holds no rows\./],
    [['created-200', '--json', '/nowhere/x'], /^cannot write \/nowhere\/x: no such file or directory\. Name a file in a directory /],
    [['created-200', '--svg', ROOT], /^cannot write .*: illegal operation on a directory/],
  ]) {
    const { status, stdout, stderr } = bench(...args)
    assert.deepEqual([status, stdout], [2, ''], args.join(' '))
    assert.match(stderr, says)
  }
})

test('a repository to measure with is the same for the same seed, with sizes and depths of a source tree', () => {
  const world = new Sandbox('bench-test')
  try {
    const trees = ['one', 'two'].map((name) => createRepository(world, { name, files: 400, seed: 7 }))
    const [one, two] = trees.map((tree) => world.git(tree, 'rev-parse', 'HEAD'))
    assert.equal(one, two)
    const files = world.git(trees[0], 'ls-tree', '-r', '-l', 'HEAD').split('\n').map((line) => line.split(/\s+/))
    assert.equal(files.length, 400)
    const sizes = files.map(([, , , size]) => Number(size)).sort((a, b) => a - b)
    assert.ok(sizes[200] > 1000 && sizes[200] < 2200, `median ${sizes[200]}`)
    assert.ok(Math.max(...files.map(([, , , , name]) => name.split('/').length)) >= 4)
    assert.equal(world.git(trees[0], 'status', '--porcelain'), '')
  } finally {
    world.dispose()
  }
})

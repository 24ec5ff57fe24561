#!/usr/bin/env node
'use strict'

const fs = require('node:fs')
const os = require('node:os')

const { benchCreated } = require('./bench/created')
const { benchFileSystem } = require('./bench/file_system')
const { benchListed } = require('./bench/listed')
const { benchMemory } = require('./bench/memory')
const { benchParallel } = require('./bench/parallel')
const { benchReused } = require('./bench/reused')
const { benchScale } = require('./bench/scale')
const { benchStartup } = require('./bench/startup')
const { benchWarm } = require('./bench/warm')
const { World } = require('./bench/world')
const { checkWritable, readResult, write } = require('./bench/files')
const { optionsOf } = require('./bench/options')
const { report, textOf } = require('./bench/report')
const { withTables } = require('./bench/tables')
const { temporaryRoot } = require('./torture/support/sandbox')

const onFileSystem = (type, bars) => ({
  large: true,
  run: () => benchFileSystem(type, 'created', { files: 20000, rounds: 5, label: `20000 files on ${type}`, only: ['git', 'okstra', 'from memory'], withSpace: true, ...bars }),
})

const durableOn = (type) => ({
  large: true,
  run: () => [[2000, 15], [20000, 8]].flatMap(([files, rounds]) => benchFileSystem(type, 'durable', { files, rounds, label: `${files} files on ${type}` })),
})

/** Each scenario gives its rows; `quick` asks for fewer runs, and leaves out what is `large`. */
const SCENARIOS = {
  startup: { run: (_world, quick) => benchStartup({ runs: quick ? 30 : 60 }) },
  'created-200': { run: (world, quick) => benchCreated(world, { files: 200, rounds: quick ? 10 : 40, bar: 1 }) },
  reused: { run: (_world, quick) => benchReused({ calls: quick ? 500 : 2000 }) },
  'created-2000': { run: (world, quick) => benchCreated(world, { files: 2000, rounds: quick ? 3 : 15 }) },
  'created-20000': { run: (world, quick) => benchCreated(world, { files: 20000, rounds: quick ? 2 : 8, bar: 0.4, statusBar: 0.3 }) },
  warm: { run: (world, quick) => benchWarm(world, { small: 200, large: 20000, rounds: quick ? 5 : 15, bar: 0.03, flatBar: 1.5 }) },
  parallel: { large: true, run: (world) => benchParallel(world, { files: 20000, count: 8, rounds: 4, bar: 0.5 }) },
  'created-100000': { large: true, run: (world) => benchCreated(world, { files: 100000, rounds: 2 }) },
  memory: { large: true, run: (world) => benchMemory(world, { files: 100000, bar: 1.2 }) },
  'created-500mb': { large: true, run: (world) => benchCreated(world, { files: 2000, size: 130000, rounds: 3, label: '2000 files of 500 MB' }) },
  xfs: onFileSystem('xfs', { bar: 0.55, diskBar: 0.05 }),
  btrfs: onFileSystem('btrfs'),
  scale: { large: true, run: (_world, quick) => benchScale(quick ? { rows: 1000, worktrees: 5, runs: 1 } : { rows: 100_000, worktrees: 2000, runs: 5 }) },
  'durable-ext4': durableOn('ext4'),
  'durable-xfs': durableOn('xfs'),
  listed: { run: ({ addon }, quick) => benchListed(addon, { worktrees: quick ? 20 : 200, files: quick ? 1000 : 5000, rounds: quick ? 3 : 5, bar: 0.5 }) },
}

const HELP = `Measures okstra beside git and beside an empty Node, in turn and in one process, on ${temporaryRoot()}.

  node scripts/bench.js [--quick] [--json FILE] [--svg FILE] [--tables FILE] [scenario ...]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (all of them by default).

  --quick           fewer runs, without what is large: under a minute
  --only SCENARIO   the same as to name it; may be given more than once
  --json FILE       writes the rows and what the machine is
  --svg FILE        draws the time to create against the number of files
  --tables FILE     makes the tables of a Markdown file anew; may be given more than once
  --from FILE       measures nothing, and takes the rows that --json wrote

Exits with 1 when a bar is not met. Medians of one run can be compared; figures of two runs or machines cannot.
`

async function main() {
  const { help, json, svg, tables, from, quick, only } = optionsOf(process.argv.slice(2), Object.keys(SCENARIOS))
  if (help) return process.stdout.write(HELP)
  for (const file of [json, svg, ...tables]) if (file !== undefined) checkWritable(file)
  const found = from === undefined ? await measure({ quick, only }) : readResult(from)
  if (json !== undefined) write(json, found)
  if (svg !== undefined) write(svg, found, require('./bench/picture').picture(found.rows))
  for (const file of tables) write(file, found, withTables(fs.readFileSync(file, 'utf8'), found))
  if (found.rows.some(({ met }) => !met)) process.exitCode = 1
}

/** Runs the scenarios, and says each row as soon as it is known. */
async function measure({ quick, only }) {
  const names = Object.keys(SCENARIOS).filter((name) => (only.length > 0 ? only.includes(name) : !(quick && SCENARIOS[name].large)))
  const [load] = os.loadavg()
  const world = new World()
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    process.once(signal, () => {
      world.dispose()
      process.exit(code)
    })
  }
  const rows = []
  try {
    for (const name of names) {
      world.enter()
      const made = (await SCENARIOS[name].run(world, quick)).map((row) => ({ scenario: name, ...row }))
      process.stdout.write(textOf(made))
      rows.push(...made)
    }
  } finally {
    world.dispose()
  }
  return report(rows, { place: temporaryRoot(), at: new Date().toISOString(), load })
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})

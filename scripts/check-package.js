'use strict'

// Checks what would be published, as it would be published: every package holds what it must and nothing else. Prints
// the sizes.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { packed } = require('./npm.js')
const { writePlatformPackages } = require('./platform-packages.js')
const { fail, root } = require('./run.js')
const { stage } = require('./stage.js')
const { currentPlatform } = require('../launcher/platforms.js')

const REQUIRED = [
  'LICENSE', 'README.md', 'bin/okstra.js', 'index.d.ts', 'index.js', 'launcher/cli.js', 'launcher/module.js', 'package.json',
  'python/okstra_ctl/__init__.py', 'skills/opening-step.md', 'skills/okstra-setup/SKILL.md', 'templates/final-report.md',
]
const ALLOWED = [/^(LICENSE|README\.md|package\.json|index\.js|index\.d\.ts)$/, /^bin\/okstra\.js$/, /^(launcher|skills|templates)\//, /^python\/.*\.py$/]
const FORBIDDEN = /\.node$|__test__|\.test\.|__pycache__|\.pyc$|node_modules|^target\//
const MAX_BYTES = 1024 * 1024

const problems = []
const expect = (condition, message) => condition || problems.push(message)

function checkPlatformDirectories(place) {
  fs.mkdirSync(place)
  fs.copyFileSync(path.join(root, 'package.json'), path.join(place, 'package.json'))
  writePlatformPackages(place)
  const contents = (project) =>
    fs
      .readdirSync(path.join(project, 'npm'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .map((file) => [path.relative(project, file), fs.readFileSync(file, 'utf8')])
      .sort()
  const same = JSON.stringify(contents(root)) === JSON.stringify(contents(place))
  expect(same, 'npm/ does not match package.json: run `npm run platform-packages`')
}

function checkMain({ filename, unpackedSize, files }) {
  const names = files.map((file) => file.path)
  for (const name of REQUIRED) expect(names.includes(name), `missing from ${filename}: ${name}`)
  for (const name of names) {
    expect(!FORBIDDEN.test(name) && ALLOWED.some((pattern) => pattern.test(name)), `must not be in ${filename}: ${name}`)
  }
  expect(unpackedSize <= MAX_BYTES, `${filename} has ${unpackedSize} bytes, and more than ${MAX_BYTES} were not expected`)
  expect(files.find((file) => file.path === 'bin/okstra.js').mode & 0o100, 'bin/okstra.js is not executable')
}

function checkNative({ filename, files }, { binary }) {
  const names = files.map((file) => file.path).sort()
  const expected = ['LICENSE', 'README.md', binary, 'package.json'].sort()
  expect(`${names}` === `${expected}`, `${filename} holds ${names.join(', ')} instead of ${expected.join(', ')}`)
}

const sizes = []
const place = fs.mkdtempSync(path.join(os.tmpdir(), 'okstra-packages-'))
try {
  checkPlatformDirectories(path.join(place, 'project'))
  const here = currentPlatform()
  const [native, main] = stage({ out: place, platforms: [here] }).map(packed)
  checkMain(main)
  checkNative(native, here)
  for (const { filename, files, size, unpackedSize } of [main, native]) {
    sizes.push(`${filename}: ${files.length} files, ${size} bytes packed, ${unpackedSize} unpacked\n`)
  }
} finally {
  fs.rmSync(place, { recursive: true, force: true })
}
if (problems.length > 0) fail(problems.join('\n'))
process.stdout.write(sizes.join(''))

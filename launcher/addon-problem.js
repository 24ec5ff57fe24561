'use strict'
// Why the native addon does not load, and what to do about it. Only read when it does not.
//
// The generated loader tries one place after the other and chains the errors; its own text blames npm whatever the cause
// was. What is said here comes from the chain, from this machine, and from the packages that lie beside okstra.

const fs = require('node:fs')
const path = require('node:path')
const { LauncherError } = require('./errors.js')
const { PLATFORMS, currentLibc, currentPlatform } = require('./platforms.js')

const ROOT = path.join(__dirname, '..')
const AGAIN = 'Install okstra again with the Node that runs it'
const LIBC_NAMES = { glibc: 'glibc (Debian, Ubuntu, Fedora, ...)', musl: 'musl (Alpine, ...)' }

/** The error for a loader that threw `error`. */
function loadProblem(error) {
  const chain = []
  for (let link = error; link instanceof Error && !chain.includes(link); link = link.cause) chain.push(link)
  if (isClone()) return problem(cloneCause(chain))
  return problem(overrideCause(chain) ?? brokenCause(chain) ?? platformCause())
}

/** The error for an addon of another version than the JavaScript around it; `native` is missing where it names none. */
function versionProblem(version, native) {
  const found = native === undefined ? 'is of an unknown version' : `has version ${native}`
  const cause = `it ${found}, and okstra itself ${version}`
  if (isClone()) return problem([cause, 'Build it with `npm run build`.'])
  if (override()) return problem([cause, 'Unset NAPI_RS_NATIVE_LIBRARY_PATH, which names it.'])
  return problem([cause, `${AGAIN}, so that npm fetches both in one version (after removing node_modules, in a project).`])
}

function problem([cause, hint]) {
  return new LauncherError('OKSTRA_ADDON_MISSING', `the native part of okstra cannot be loaded: ${cause}`, { hint })
}

// In a clone the addon is built, not installed.
function isClone() {
  return fs.existsSync(path.join(ROOT, 'Cargo.toml'))
}

function cloneCause(chain) {
  const broken = chain.find(isMore)
  return [broken ? firstLine(broken.message) : 'it has not been built', 'Build it with `npm run build`.']
}

const override = () => process.env.NAPI_RS_NATIVE_LIBRARY_PATH

function overrideCause(chain) {
  if (!override()) return undefined
  const own = chain.at(-1)
  return [`NAPI_RS_NATIVE_LIBRARY_PATH names ${override()}: ${firstLine(own.message)}`, 'Unset that variable, or let it name an addon of okstra.']
}

// Whether an error says more than that there is nothing, in one place or in all of them: what is wrong with a file that
// is there. The loader keeps nothing of an error but its text.
function isMore({ message }) {
  return !/^(Cannot find (module|native binding)|Unsupported )/.test(message)
}

// The words of glibc, musl, macOS and Windows, in the order in which they are tried. A file for another processor that is
// there cannot be opened, says glibc.
const LINKER = [
  [/version [`'"]GLIBC_([\d.]+)['"] not found/, ([, needed]) => {
    const { glibcVersionRuntime } = process.report.getReport().header
    const here = glibcVersionRuntime ? `, and this system has ${glibcVersionRuntime}` : ''
    return [`it needs glibc ${needed} or newer${here}`, 'Use a newer system or container image, or build okstra on this one from its sources.']
  }],
  [/libc\.musl-|ld-musl-/, () => otherLibc('musl')],
  [/ld-linux-|Error relocating/, () => otherLibc('glibc')],
  [/incompatible architecture|wrong ELF class|not a valid Win32 application|\.node: cannot open shared object file/, () => [
    `it was built for another processor than this Node (${process.platform}-${process.arch})`,
    rosettaHint() ?? `${AGAIN}; node_modules does not move from one machine to another.`,
  ]],
  [/file too short|invalid ELF header|truncated|not a mach-o file/i, () => ['its file is damaged', `${AGAIN}, after \`npm cache verify\`.`]],
]

function brokenCause(chain) {
  const broken = chain.find(isMore)
  if (!broken) return undefined
  for (const [pattern, explain] of LINKER) {
    const match = pattern.exec(broken.message)
    if (match) return explain(match)
  }
  return [firstLine(broken.message), `${AGAIN}; if that does not help, please report it.`]
}

function otherLibc(built) {
  const here = currentLibc()
  return [`it was built for ${LIBC_NAMES[built]}, and this system has ${LIBC_NAMES[here] ?? 'another C library'}`, moved()]
}

function moved() {
  return `${AGAIN}; node_modules does not move from one system or container image to another.`
}

function platformCause() {
  const libc = currentLibc()
  const here = currentPlatform(libc)
  if (!here) {
    const where = [process.platform, process.arch, libc].filter(Boolean).join('-')
    const list = PLATFORMS.map(({ suffix }) => suffix).join(', ')
    return [`there is no build for this platform (${where}), only for ${list}`, 'Use okstra on one of those, or build it from its sources (`npm start` in a clone).']
  }
  const other = PLATFORMS.find(({ packageName }) => packageName !== here.packageName && isInstalled(packageName))
  if (other) {
    return [`it is installed for ${other.suffix}, and this Node runs on ${here.suffix}`, rosettaHint() ?? moved()]
  }
  if (isInstalled(here.packageName)) return [`its package ${here.packageName} is incomplete`, `${AGAIN}.`]
  return [
    `its package ${here.packageName} is not installed`,
    'npm installs it as an optional dependency: install okstra again without `--omit=optional` or `--no-optional`. ' +
      'If it still is missing, remove node_modules and a package-lock.json written on another system first.',
  ]
}

function isInstalled(packageName) {
  try {
    return Boolean(require.resolve(`${packageName}/package.json`))
  } catch {
    return false
  }
}

// A Node for Intel on a Mac with Apple's processor runs, but finds the packages that the other Node installed.
function rosettaHint() {
  if (process.platform !== 'darwin' || process.arch !== 'x64') return undefined
  if (!/^Apple/.test(require('node:os').cpus()[0]?.model ?? '')) return undefined
  return 'This Node is an Intel build under Rosetta: use a Node for Apple silicon, or install okstra again with this one.'
}

function firstLine(text) {
  return String(text).split('\n', 1)[0]
}

module.exports = { loadProblem, versionProblem }

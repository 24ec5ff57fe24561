'use strict'
const path = require('node:path')
const { addon } = require('../addon.js')
const { LauncherError } = require('../errors.js')
const { interruptible } = require('../interruptible.js')
const { printable } = require('../output.js')

const COLOURS = { error: 'red', warning: 'yellow', note: 'gray' }
const WORDS = { fixable: '--fix', fixed: 'fixed', decide: 'yours', wait: 'wait', failed: 'failed' }

async function doctor({ values, cwd, paint }) {
  const options = { fix: values.fix === true, root: path.resolve(cwd, values.root ?? '.') }
  const report = await interruptible((signal) => addon().doctor(options, signal))
  const { findings, clean } = report
  const [notes, others] = [findings.filter(isNote), findings.filter((finding) => !isNote(finding))]
  const mine = others.filter(({ outcome }) => outcome !== 'decide')
  const yours = others.filter(({ outcome }) => outcome === 'decide')
  const sections = [
    ...section('', mine, paint),
    ...section('For you to decide:', yours, paint),
    ...section('Good to know:', notes, paint),
  ]
  const text = sections.join('\n').trimEnd()
  if (clean) return { data: report, text, story: [summary(report, options.fix)] }
  throw new LauncherError('OKSTRA_FINDINGS_REMAIN', summary(report, options.fix), {
    hint: hint(others),
    data: report,
    text,
  })
}

function hint(findings) {
  if (findings.some(({ outcome }) => outcome === 'fixable')) return 'Run `okstra doctor --fix`.'
  if (findings.some(({ outcome }) => outcome === 'wait')) return 'Run this again later; what each one waits for is said with it.'
  return 'What you can do is said with each one; docs/doctor.md explains them.'
}

const isNote = ({ severity }) => severity === 'note'

function section(title, findings, paint) {
  if (findings.length === 0) return []
  return [...(title === '' ? [] : [paint('bold', title)]), ...findings.flatMap((finding) => lines(finding, paint)), '']
}

function lines({ code, severity, outcome, message, remedy, failure }, paint) {
  return [
    `${paint(COLOURS[severity], severity.padEnd(7))}  ${printable(message)} [${code}]`,
    `         ${WORDS[outcome]}: ${printable(remedy)}`,
    ...(failure ? [`         ${printable(failure)}`] : []),
  ]
}

function summary({ findings, tasks, repositories }, fix) {
  const looked = `${count(tasks, 'task', 'tasks')}, ${count(repositories, 'repository', 'repositories')}`
  const problems = findings.filter((finding) => !isNote(finding))
  const of = (outcome) => problems.filter((finding) => finding.outcome === outcome).length
  if (problems.length === 0) return `nothing is wrong (${looked})`
  const parts = [
    [of('fixed'), 'mended'],
    [of('fixable'), 'that `okstra doctor --fix` mends'],
    [of('failed'), 'that could not be mended'],
    [of('wait'), 'that may pass by itself'],
    [of('decide'), 'for you to decide'],
  ]
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  return `${count(problems.length, 'finding', 'findings')}${fix ? '' : ', nothing changed'}: ${told.join(', ')} (${looked})`
}

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`

module.exports = {
  summary: 'Compare the registry with the disk and with git, and mend what is broken',
  usage: '[--fix] [options]',
  positionals: [0, 0],
  options: {
    fix: { description: 'Mend what can be mended; without it nothing is written' },
    root: { value: 'DIR', description: 'A directory whose repository is looked at too (default: the current directory)' },
  },
  details: [
    'Looks at every task, at the repositories of all tasks, and at the one around the current directory. Nothing is deleted that could be anybody\'s work; what is moved aside is named.',
    'Exit code 0: nothing is wrong, or all of it was mended; 1: something remains. docs/doctor.md explains every finding.',
  ],
  examples: [
    ['okstra doctor', 'tells what is wrong, and what --fix would do'],
    ['okstra doctor --fix', 'mends it; run it in the new place of a repository that was moved'],
    ['okstra doctor --json', 'for a program'],
  ],
  progress: 'looking at tasks and repositories',
  run: doctor,
}

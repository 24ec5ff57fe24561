'use strict'
// What `okstra report check` finds: one table of breaches, each with the lines and rules it must name, and no others.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ROOT } = require('./helpers/repository.js')
const { IMPLEMENTATION, HANDOFF, SKIPPED, CANCELLED } = require('./helpers/reports.js')
const { checkReport } = require('../launcher/report/check.js')
const { scan } = require('../launcher/report/markdown.js')
const { RULES } = require('../launcher/report/rules.js')
const { skeleton, template } = require('../launcher/report/skeleton.js')

const TYPES = ['requirements-discovery', 'error-analysis', 'implementation-planning', 'implementation', 'final-verification', 'release-handoff']

const check = (text, type, more) => checkReport(Buffer.from(text), type, more)
const without = (heading, next) => (text) => text.replace(new RegExp(`${heading}[^]*?(?=${next})`), '')
const swap = (from, to) => (text) => {
  assert.ok(text.includes(from), from)
  return text.replace(from, () => to)
}
const body = (heading, to) => (text) => text.replace(new RegExp(`(${heading}\n\n)[^]*?(?=\n\n#|$)`), (_all, head) => head + to)
const both =
  (...edits) =>
  (text) =>
    edits.reduce((result, edit) => edit(result), text)
const move = (heading, next, before) => (text) => {
  const [section] = new RegExp(`${heading}[^]*?(?=${next})`).exec(text)
  return text.replace(section, '').replace(before, () => section + before)
}
const atEnd = (addition) => (text) => text + addition

const PLAIN = [IMPLEMENTATION, 'implementation']
const RELEASE = [HANDOFF, 'release-handoff']
const SKIP = [SKIPPED, 'release-handoff']

// The last line that is not empty.
const LAST = Symbol('last')

// [what, [report, task type], edit, ...[rule, the beginning of the line that is named]]; a number is the line itself.
const BREACHES = [
  ['no title', PLAIN, swap('# Final Report: shop/checkout/fix-42\n', ''), ['title', '## 1. Summary']],
  ['another title', PLAIN, swap('# Final Report:', '# Report:'), ['title', '# Report']],
  ['an empty file', ['', 'implementation'], (text) => text, ['title', 1], ['field-missing', 1, 4], ['section-missing', 1, 11]],
  ['a field that is missing', PLAIN, swap('- Date: 2026-11-25\n', ''), ['field-missing', '# Final']],
  ['a field that is empty', PLAIN, swap('- Date: 2026-11-25', '- Date:'), ['field-missing', '- Date']],
  ['another task type', PLAIN, swap('type: implementation', 'type: error-analysis'), ['task-type', '- Task type']],
  ['the lead as author of a report that is not his', PLAIN, swap('by: report-writer', 'by: lead'), ['author', '- Written']],
  ['a report writer as author of a handoff', RELEASE, swap('by: lead', 'by: report-writer'), ['author', '- Written']],
  ['a section that is missing', PLAIN, without('## 2', '## 3'), ['section-missing', '## 3.']],
  ['a sub-section that is missing', PLAIN, without('### 4.5', '## 5'), ['section-missing', '## 5.']],
  ['the last section missing', PLAIN, without('\n## 6', '$'), ['section-missing', LAST]],
  ['a part of the handoff missing', RELEASE, without('#### 4.6.2', '#### 4.6.3'), ['section-missing', '#### 4.6.3']],
  ['the whole of 4.6 missing', RELEASE, without('### 4.6 ', '## 5'), ['section-missing', '## 5.', 8]],
  ['a section in the wrong place', PLAIN, move('## 6', '$', '## 2'), ['section-order', '## 6']],
  ['a first section that comes later', PLAIN, move('## 1', '## 2', '## 4'), ['section-order', '## 1']],
  ['two parts of the handoff changed about', RELEASE, move('#### 4.6.7', '## 5', '#### 4.6.1'), ['section-order', '#### 4.6.7']],
  ['a section twice', PLAIN, atEnd('\n## 6. Sources\n\nOnce more.\n'), ['section-duplicate', '## 6', 1, LAST]],
  ['a section too much', PLAIN, atEnd('\n## 7. Thanks\n\nTo all.\n'), ['section-extra', '## 7']],
  ['a section too much without a number', PLAIN, atEnd('\n## Thanks\n\nTo all.\n\n### Most\n\nTo one.\n'), ['section-extra', '## Thanks']],
  ['a text that dashes make a heading of', PLAIN, swap('None: the task', 'Nothing.\n\nMore.\nAnd more.\n---\n\nNone: the task'), ['section-extra', 'More.']],
  ['a second title', PLAIN, atEnd('\n# Annex\n\nMore.\n'), ['section-extra', '# Annex']],
  ['a sub-section too much', PLAIN, swap('### 4.5', '### 4.7 More\n\nMore.\n\n### 4.5'), ['section-extra', '### 4.7']],
  ['a part of 4.6 too much', RELEASE, swap('## 5.', '#### 4.6.8 Thanks\n\nTo all.\n\n## 5.'), ['section-extra', '#### 4.6.8']],
  ['the number of one section below another', PLAIN, swap('#### How it', '#### 5.1 How it'), ['section-extra', '#### 5.1']],
  ['another title at a number', PLAIN, swap('4.2 Findings', '4.2 Results'), ['section-title', '### 4.2']],
  ['a title in small letters', PLAIN, swap('4.2 Findings', '4.2 findings'), ['section-title', '### 4.2']],
  ['another number at a title', PLAIN, swap('4.2 Findings', '4.9 Findings'), ['section-number', '### 4.9']],
  ['no number at a title', PLAIN, swap('## 5. Verification', '## Verification'), ['section-number', '## Verification']],
  ['the wrong level', PLAIN, swap('### 4.2', '## 4.2'), ['section-level', '## 4.2']],
  ['4.6 where it may not be', PLAIN, swap('## 5.', '### 4.6 Release Handoff Deliverables\n\n#### 4.6.1 Source Verification Report\n\nx\n\n## 5.'), ['handoff-forbidden', '### 4.6']],
  ['a part of 4.6 where it may not be', PLAIN, swap('## 5.', '#### 4.6.5 Commit List\n\n- 1234567 x\n\n## 5.'), ['handoff-forbidden', '#### 4.6.5']],
  ['a whole handoff report as another', [HANDOFF, 'implementation'], (text) => text, ['task-type', '- Task type'], ['author', '- Written'], ['section-empty', 'None: the lead'], ['report-writer-missing', '## 3.'], ['handoff-forbidden', '### 4.6 ']],
  ['nothing where something is required', PLAIN, body('## 1. Summary', ''), ['section-empty', '## 1.']],
  ['None where something is required', PLAIN, body('## 1. Summary', '_None._'), ['section-empty', '_None._']],
  ['only a comment where something is required', PLAIN, body('## 1. Summary', '<!-- later -->'), ['section-empty', '## 1.']],
  ['only a list mark and a rule where something is required', PLAIN, body('## 1. Summary', '-\n\n***'), ['section-empty', '## 1.']],
  ['a table without rows where something is required', PLAIN, body('## 1. Summary', '| a | b |\n|---|---|'), ['section-empty', '## 1.']],
  ['an empty code fence where something is required', PLAIN, body('## 1. Summary', '```\n\n```'), ['section-empty', '## 1.']],
  ['nothing where None has to say so', PLAIN, body('### 4.3 Decisions', ''), ['section-blank', '### 4.3']],
  ['a roster in a handoff', RELEASE, body('## 3. Roster and Dispatches', '- implementer: implementer.md'), ['section-not-empty', '- implementer']],
  ['a report writer in the roster of a handoff', RELEASE, body('## 3. Roster and Dispatches', '- report-writer: writes it'), ['section-not-empty', '- report-writer'], ['report-writer-forbidden', '- report-writer']],
  ["a report writer's result among the sources of a handoff", RELEASE, swap('The command log', '- worker-results/report-writer-1.md\n- The command log'), ['report-writer-forbidden', '- worker-results']],
  ['commands after skip', SKIP, body('#### 4.6.4 Executed Commands', '- `git push`'), ['section-not-empty', '- `git push`']],
  ['commits after skip', SKIP, body('#### 4.6.5 Commit List', '- 1234567 x'), ['section-not-empty', '- 1234567']],
  ['a pull request after cancel', [CANCELLED, 'release-handoff'], body('#### 4.6.6 Pull Request Outcome', 'Number 7.'), ['section-not-empty', 'Number 7.']],
  ['None and a word too much after skip', SKIP, body('#### 4.6.6 Pull Request Outcome', 'None.\n\nBut soon.'), ['section-not-empty', 'None.', undefined, 'But soon.']],
  ['nothing at all after skip', SKIP, body('#### 4.6.5 Commit List', ''), ['section-blank', '#### 4.6.5']],
  ['no answers after skip', SKIP, body('#### 4.6.3 User Selections', 'None.'), ['section-empty', 'None.', undefined, '#### 4.6.4']],
  ['no commands though all was done', RELEASE, body('#### 4.6.4 Executed Commands', 'None.'), ['section-empty', 'None.', undefined, '#### 4.6.5']],
  ['no commits though all was done', RELEASE, body('#### 4.6.5 Commit List', ''), ['section-empty', '#### 4.6.5']],
  ['no outcome though all was done', RELEASE, body('#### 4.6.6 Pull Request Outcome', 'N/A'), ['section-empty', 'N/A']],
  ['an answer that is missing', RELEASE, swap('- H2: main - "main"\n', ''), ['selection-missing', '#### 4.6.3']],
  ['an answer that is empty', RELEASE, swap('- H2: main - "main"', '- H2:'), ['selection-missing', '- H2']],
  ['a first menu that was not shown', RELEASE, swap('H1: push and open a pull request - "2, please"', 'H1: not asked'), ['selection-missing', '- H1']],
  ['commands without a confirmation', RELEASE, swap('H3: proceed - "yes, go"', 'H3: not asked'), ['selection-missing', '- H3']],
  ['a command that is neither git nor gh', RELEASE, swap('`git push -u origin fix-fix-42`', '`npm publish`'), ['command-foreign', '- `npm']],
  ['commands in words', RELEASE, body('#### 4.6.4 Executed Commands', 'The branch was pushed.'), ['command-foreign', 'The branch was']],
  ['a placeholder that was left in', PLAIN, swap('Vouchers are', '{{fill: what}} Vouchers are'), ['placeholder', '{{fill']],
  ['a placeholder in a heading', PLAIN, swap(': shop/checkout/fix-42\n\n', ': {{fill: task-key}}\n\n'), ['placeholder', '# Final']],
  ['a placeholder in a code fence', PLAIN, swap('npm test', '{{fill: command}}'), ['placeholder', '{{fill']],
  ['a word that stands for a text', PLAIN, body('## 2. Request and Scope', 'TBD'), ['placeholder', 'TBD']],
  ['such a word in brackets', PLAIN, body('## 2. Request and Scope', '**Scope:** [TBD]'), ['placeholder', '**Scope']],
  ['a date that is none', PLAIN, swap('Date: 2026-11-25', 'Date: YYYY-MM-DD'), ['placeholder', '- Date']],
  ['such a word in a table', PLAIN, swap('| fix the total |', '| *TODO* |'), ['placeholder', '| implementer']],
  ['the reason of the template', SKIP, body('#### 4.6.5 Commit List', 'None: <which choice>'), ['placeholder', 'None: <which']],
  ['no report writer in the roster', PLAIN, swap('| report-writer | writes this report | report-writer.md |\n', ''), ['report-writer-missing', '## 3.']],
  ['a report writer without a result', PLAIN, swap('report | report-writer.md |', 'report | - |'), ['report-writer-missing', '| report-writer']],
  ['a fence that is never closed', PLAIN, swap('npm test\n```', 'npm test'), ['unclosed-fence', '```sh'], ['section-missing', LAST]],
  ['a comment that is never closed', PLAIN, swap('All 31', '<!-- All 31'), ['unclosed-comment', '<!--'], ['section-missing', LAST]],
  ['a heading in a fence', PLAIN, swap('## 2. Request and Scope\n', '```\n## 2. Request and Scope\n```\n'), ['section-missing', '## 3.']],
  ['a heading in a fence of tildes with a fence in it', PLAIN, swap('## 2. Request and Scope\n', '~~~~\n```\n~~~\n## 2. Request and Scope\n~~~~\n'), ['section-missing', '## 3.']],
  ['a heading in a comment', PLAIN, swap('## 2. Request and Scope\n', '<!--\n## 2. Request and Scope\n-->\n'), ['section-missing', '## 3.']],
  ['a heading that is code by its blanks', PLAIN, swap('## 2. Request', '    ## 2. Request'), ['section-missing', '## 3.']],
  ['a heading without a blank', PLAIN, swap('## 2. Request', '##2. Request'), ['section-missing', '## 3.']],
]

for (const [what, [report, type], edit, ...expected] of BREACHES) {
  test(`breach: ${what}`, () => {
    const text = edit(report)
    assert.ok(report === '' || text !== report || type !== 'release-handoff', 'the edit changed something')
    const lines = text.split('\n')
    const wanted = expected.flatMap(([rule, place, times = 1, before]) => {
      const at = typeof place === 'string' ? lineOf(lines, place, before) : place === LAST ? lastOf(lines) : place
      return Array.from({ length: times }, () => `${at} ${rule}`)
    })
    const found = check(text, type)
    assert.deepEqual(found.map(({ line, rule }) => `${line} ${rule}`).sort(), wanted.sort(), JSON.stringify(found, null, 1))
    for (const { message } of found) assert.match(message, /^.{10,}$/)
  })
}

function lastOf(lines) {
  return lines.findLastIndex((line) => line !== '') + 1
}

/** The number of the first line that begins so, or of the last one before another (`LAST`: of all). */
function lineOf(lines, begin, before) {
  const end = before === LAST ? lines.length : lines.findIndex((line) => line.startsWith(before))
  const at = before === undefined ? lines.findIndex((line) => line.startsWith(begin)) : lines.findLastIndex((line, i) => i < end && line.startsWith(begin))
  assert.ok(at >= 0, begin)
  return at + 1
}

test('a filled report of each kind passes, in every way it may be written', () => {
  for (const [text, type] of [PLAIN, RELEASE, SKIP, [CANCELLED, 'release-handoff']]) {
    for (const written of [
      text,
      text.replaceAll('\n', '\r\n'),
      text.replaceAll('\n', '\r'),
      `\ufeff${text}`,
      `\ufeff${text.replaceAll('\n', '\r\n')}`,
      `---\ntask: x\n---\n\n${text}`,
      text.replace(/^(#+ .*)$/gm, '$1 ##'),
      text.replace(/^# (.*)$/m, '$1\n===').replace(/^## (\d)\. (.*)$/gm, '$1\\. $2\n---'),
      text.replace(/^## (.*)$/gm, '$1\n-----'),
      text.replace(/^## (.*)$/gm, '## **$1** <!-- kept -->'),
      text.replace('4.6.2 Feature Branch & Working', '4.6.2 Feature Branch &amp; Working'),
      `<!--\n# not the title\n-->\n${text}`,
      text.trimEnd(),
    ]) {
      assert.deepEqual(check(written, type), [], written.slice(0, 80))
    }
  }
})

test('what only looks like a breach is none', () => {
  const passes = (report, ...edits) => assert.deepEqual(check(both(...edits)(report), report === IMPLEMENTATION ? 'implementation' : 'release-handoff'), [])
  passes(IMPLEMENTATION, swap('All 31', 'The log says `<!-- # 1. Summary` and `{{ value }}`.\n\n1. First\n---\n\nAll 31'))
  passes(IMPLEMENTATION, body('## 2. Request and Scope', '1. Fix the total.\n2. Nothing else.\n---'))
  passes(IMPLEMENTATION, swap('Fix the total.', '1. Fix the total.\n4. Results\n\nText'))
  passes(IMPLEMENTATION, swap('Vouchers are', '##### 4.1.1 Numbers\n\n3 of 3.\n\n#### 2 more\n\nVouchers are'))
  passes(IMPLEMENTATION, swap('Vouchers are', '- an item\n\n  ```\n  ## 9. In a list\n  ```\n\n> ```\n> ## 9. Quoted\n\nVouchers are'))
  passes(IMPLEMENTATION, swap('Fix the total.', 'Nothing but the total. None of the rest. Todo lists are shown.'))
  passes(HANDOFF, body('#### 4.6.4 Executed Commands', '```console\n$ GIT_TERMINAL_PROMPT=0 git push\nEverything up-to-date\n$ gh pr view 7\n```'))
  passes(HANDOFF, body('#### 4.6.4 Executed Commands', '| command | exit |\n|---|---|\n| `git push` | 0 |'))
  passes(HANDOFF, body('#### 4.6.3 User Selections', '| menu | choice | answer |\n|---|---|---|\n| H1 | 1. push | "skip the tests" |\n| **H2** | main | "cancel the old one" |\n| H3 | proceed | "ok" |'))
  passes(SKIPPED, swap('- H1: skip - "not today"', '- **H1** (what is handed over): "4) Skip"'))
  passes(SKIPPED, body('#### 4.6.5 Commit List', '_(none \u2014 the user chose skip at H1)_'))
})

// [text, the headings that CommonMark sees, and below a table GitHub: line:level]
const HEADINGS = [
  ['# a\n## b ##\n### c #d\n####### e\n#f\n#\n', ['1:1', '2:2', '3:3', '6:1']],
  ['a\nb\n===\n\nc\n---\n\n---\n', ['1:1', '5:2']],
  ['```\n# a\n``\n# b\n````\n# c\n', ['6:1']],
  ['``` a`b\n# c\n', ['2:1']],
  ['```\n# a\n> ```\n# b\n', []],
  ['> ```\n> # a\n# b\n', ['3:1']],
  ['- ```\n  # a\n# b\n', ['3:1']],
  ['- a\n\n  ```\n  # b\n  ```\n\n  # c\n\n# d\n', ['9:1']],
  ['- a\nb\n---\n# c\n', ['4:1']],
  ['-\na\n---\n', ['2:2']],
  ['a\n- b\n---\n', []],
  ['    # a\nb\n---\n', ['2:2']],
  ['<!-- a\n# b\n--> # c\n# d\n', ['4:1']],
  ['<!-- a --> b\n===\n# c\n', ['3:1']],
  ['a `<!--` b\n# c\n', ['2:1']],
  ['<pre>\n# a\n\n# b\n</pre>\n# c\n', ['6:1']],
  ['<details>\n# a\n\n# b\n</details>\n', ['4:1']],
  ['| a | b |\n|---|---|\n| c | d |\n---\n# e\n', ['5:1']],
]

test('headings are those that CommonMark sees', () => {
  for (const [text, expected] of HEADINGS) {
    const found = scan(text).lines.filter(({ kind }) => kind === 'heading').map(({ line, level }) => `${line}:${level}`)
    assert.deepEqual(found, expected, text)
  }
})

test('the skeleton of each task type breaches nothing but the placeholders that are left in', () => {
  for (const type of TYPES) {
    const text = skeleton(type, { task: 'shop/checkout/fix-42', date: '2026-11-25' })
    const found = check(text, type)
    assert.deepEqual([...new Set(found.map(({ rule }) => rule))], ['placeholder'], type)
    assert.equal(found.length, text.split('\n').filter((line) => line.includes('{{fill:')).length)
    assert.equal(/^### 4\.6 /m.test(text), type === 'release-handoff')
    const filled = text.replace(/\{\{fill: [^}]*\}\}/g, (hole) => (hole.includes('`git ...`') ? '`git push`' : 'said'))
    assert.deepEqual(check(filled, type), [], `${type}, filled`)
  }
})

test('4.6 has its seven parts, in order, word for word', () => {
  const parts = skeleton('release-handoff', { date: '-' }).match(/^#### .*$/gm)
  assert.deepEqual(parts, [
    '#### 4.6.1 Source Verification Report',
    '#### 4.6.2 Feature Branch & Working-Tree State',
    '#### 4.6.3 User Selections',
    '#### 4.6.4 Executed Commands',
    '#### 4.6.5 Commit List',
    '#### 4.6.6 Pull Request Outcome',
    '#### 4.6.7 Routing Recommendation',
  ])
})

test('the template is the one that the contract makes', () => {
  const file = fs.readFileSync(path.join(ROOT, 'templates', 'final-report.md'), 'utf8').replace(/\r\n/g, '\n')
  const again = `node -e "process.stdout.write(require('./launcher/report/skeleton.js').template())" > templates/final-report.md`
  assert.equal(file, template(), `made from launcher/report/contract.js; make it again: ${again}`)
  const shown = file.replace(/<!--[^]*?-->/g, '')
  for (const type of ['implementation', 'release-handoff']) {
    for (const heading of skeleton(type, { date: '-' }).match(/^##+ .*$/gm)) assert.ok(shown.includes(`${heading}\n`), heading)
  }
})

test('bytes that are no UTF-8 are told apart', () => {
  const found = checkReport(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(IMPLEMENTATION, 'utf16le')]), 'implementation')
  assert.deepEqual(found.map(({ line, rule }) => [line, rule]), [[1, 'not-utf8']])
})

test('commands have to be in the command log as they were run', () => {
  const lines = ['2026-11-25T10:00:00Z $ git push -u origin fix-fix-42 (exit 0)', '{"command":["gh","pr","create","--base","main","--fill"],"exit":0}']
  assert.deepEqual(check(HANDOFF, 'release-handoff', { log: lines.join('\r\n') }), [])
  const at = HANDOFF.split('\n').findIndex((line) => line.startsWith('- `git push')) + 1
  for (const other of ['', 'git push -u origin fix-fix-42 --force', 'echo git push -u origin fix-fix-421', 'xgit push -u origin fix-fix-42']) {
    const found = check(HANDOFF, 'release-handoff', { log: [other, lines[1]].join('\n') })
    assert.deepEqual(found.map(({ line, rule }) => [line, rule]), [[at, 'command-unrecorded']], other)
  }
})

test('a long line of blanks, marks or backticks takes no time', () => {
  for (const part of [' ', '#', '`', '| - ', '> ', '<!-- ', '- ', '* _', '{{fill: ', 'H1 ']) {
    const began = process.cpuUsage().user
    check(HANDOFF.replace('Review by', `${part.repeat(20_000)}\n# ${part.repeat(20_000)}x\nReview by`), 'release-handoff')
    assert.ok(process.cpuUsage().user - began < 2_000_000, part)
  }
})

test('every rule is told in the docs, in the same words', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'reports.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (.*) \|$/gm)].map(([, rule, meaning]) => [rule, meaning])
  assert.deepEqual(rows, Object.entries(RULES))
})

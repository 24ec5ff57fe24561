'use strict'
// `okstra report new` and `okstra report check` as commands: answers, exit codes, and what they leave on disk.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox } = require('./helpers/repository.js')
const { IMPLEMENTATION, HANDOFF } = require('./helpers/reports.js')

const TYPE = ['--task-type', 'implementation']
const RELEASE = ['--task-type', 'release-handoff']

function desk(t, report = IMPLEMENTATION) {
  const box = sandbox(t)
  const write = (name, content) => {
    fs.mkdirSync(path.dirname(path.join(box.dir, name)), { recursive: true })
    fs.writeFileSync(path.join(box.dir, name), content)
  }
  write('report.md', report)
  const check = (...args) => box.okstra(['report', 'check', 'report.md', ...args])
  return { ...box, write, check }
}

test('new prints the skeleton, and --json holds the same', async (t) => {
  const { okstra } = sandbox(t)
  const { code, stdout, stderr } = await okstra(['report', 'new', ...TYPE])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^# Final Report: \{\{fill: task-key\}\}\n\n- Task: .*\n- Task type: implementation\n- Written by: report-writer\n- Date: \d{4}-\d\d-\d\d\n\n## 1\. Summary\n/)
  assert.doesNotMatch(stdout, /4\.6/)
  const { report, ...rest } = JSON.parse((await okstra(['report', 'new', ...TYPE, '--json'])).stdout)
  assert.deepEqual(rest, { schema: 1, ok: true, taskType: 'implementation', taskKey: null, file: null })
  assert.equal(report, stdout)
  const handoff = await okstra(['report', 'new', '--task-type', ' Release handoff'])
  assert.match(handoff.stdout, /^- Task type: release-handoff\n- Written by: lead$/m)
  assert.match(handoff.stdout, /^#### 4\.6\.7 /m)
})

test('new writes a file, with its directory, and never over one', async (t) => {
  const { okstra, repository } = sandbox(t)
  const root = repository('shop')
  const file = path.join(root, 'runs', 'one', 'report.md')
  const args = ['report', 'new', ...TYPE, '--task', 'Checkout/Fix 42', '-o', 'runs/one/report.md']
  const first = await okstra(args, { cwd: root })
  assert.deepEqual([first.code, first.stdout], [0, `${file}\n`], first.stderr)
  assert.match(fs.readFileSync(file, 'utf8'), /^# Final Report: shop\/checkout\/fix-42\n\n- Task: shop\/checkout\/fix-42\n/)
  fs.writeFileSync(file, 'begun')
  const { code, stdout } = await okstra([...args, '--json'], { cwd: root })
  assert.equal(code, 1)
  const { error } = JSON.parse(stdout)
  assert.deepEqual([error.code, error.path], ['OKSTRA_FILE_EXISTS', file])
  assert.equal(fs.readFileSync(file, 'utf8'), 'begun')
  if (process.platform === 'win32') return
  fs.symlinkSync('nowhere.md', path.join(root, 'link.md'))
  const linked = await okstra(['report', 'new', ...TYPE, '-o', 'link.md'], { cwd: root })
  assert.deepEqual([linked.code, fs.existsSync(path.join(root, 'nowhere.md'))], [1, false])
})

test('new says when a directory of the path is a file', async (t) => {
  const { okstra } = desk(t)
  const { code, stderr } = await okstra(['report', 'new', ...TYPE, '-o', 'report.md/one.md'])
  assert.equal(code, 1)
  assert.match(stderr, /cannot write a new report to .*one\.md/)
})

test('a slip of the pen in release-handoff is no other task type', async (t) => {
  const { okstra } = sandbox(t)
  for (const slip of ['release-handof', 'relase-handoff', 'handoff', 'releasehandoff', 'release-handover']) {
    const { code, stderr } = await okstra(['report', 'new', '--task-type', slip])
    assert.equal(code, 2, slip)
    assert.match(stderr, /Did you mean release-handoff\?/)
  }
  assert.equal((await okstra(['report', 'new', '--task-type', 'a\n## 9. b'])).code, 2)
  assert.equal((await okstra(['report', 'new', '--task-type', 'release-hotfix'])).code, 0)
})

test('check: 0 and one line for a complete report', async (t) => {
  const { check, dir } = desk(t)
  assert.deepEqual(await check(...TYPE), { code: 0, signal: null, stdout: 'report.md: complete\n', stderr: '' })
  const { code, stdout } = await check(...TYPE, '--json')
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout), { schema: 1, ok: true, file: path.join(dir, 'report.md'), taskType: 'implementation', findings: [] })
})

test('check: 1 and every breach with line and rule, as text and as JSON', async (t) => {
  const { check, dir } = desk(t, IMPLEMENTATION.replace('### 4.2 Findings', '### 4.2 Found').replace('None.', 'TODO'))
  const text = await check(...TYPE)
  assert.equal(text.code, 1)
  assert.match(text.stdout, /^report\.md:33: section-title: .*\nreport\.md:39: placeholder: .*TODO\n$/)
  assert.match(text.stderr, /^okstra: the report .*report\.md breaches the contract of task type implementation in 2 places\n {2}\S/)
  const asJson = await check(...TYPE, '--json')
  assert.deepEqual([asJson.code, asJson.stderr], [1, ''])
  const { ok, error, file, findings } = JSON.parse(asJson.stdout)
  assert.deepEqual([ok, error.code, error.path, file], [false, 'OKSTRA_REPORT_INVALID', path.join(dir, 'report.md'), path.join(dir, 'report.md')])
  assert.deepEqual(findings.map(({ line, rule, section }) => [line, rule, section]), [[33, 'section-title', '4.2'], [39, 'placeholder', undefined]])
})

test('check: 3 for what is not there, 1 for what cannot be read', async (t) => {
  const { okstra, check, dir } = desk(t)
  for (const [args, name] of [
    [['report', 'check', 'gone.md', ...TYPE], 'gone.md'],
    [['report', 'check', 'report.md', ...TYPE, '--worker-results', 'gone'], 'gone'],
    [['report', 'check', 'report.md', ...RELEASE, '--command-log', 'gone.log'], 'gone.log'],
  ]) {
    const { code, stdout } = await okstra([...args, '--json'])
    assert.equal(code, 3, stdout)
    const { error } = JSON.parse(stdout)
    assert.deepEqual([error.code, error.path], ['OKSTRA_FILE_NOT_FOUND', path.join(dir, name)])
  }
  const directory = await okstra(['report', 'check', '.', ...TYPE])
  assert.equal(directory.code, 1)
  assert.match(directory.stderr, /cannot read the report .*: it is a directory/)
  assert.equal((await check(...TYPE, '--worker-results', 'report.md')).code, 1)
  assert.equal((await okstra(['report', 'check', ...TYPE])).code, 2)
  assert.equal((await check()).code, 2)
})

test("the report writer's result has to be there, and to hold something", async (t) => {
  const { check, write, dir } = desk(t)
  fs.mkdirSync(path.join(dir, 'results'))
  const rules = async (...more) => {
    const { findings } = JSON.parse((await check('--worker-results', 'results', '--json', ...more)).stdout)
    return findings.map(({ line, rule, path: file }) => [line, rule, path.relative(dir, file)])
  }
  write('results/implementer.md', 'done')
  write('results/not-a-report-writer.md', 'done')
  assert.deepEqual(await rules(...TYPE), [[16, 'worker-result-missing', 'results']])
  const named = path.join('results', 'report-writer-implementation-001.md')
  write(named, '')
  assert.deepEqual(await rules(...TYPE), [[16, 'worker-result-empty', named]])
  write(named, 'done')
  assert.deepEqual(await rules(...TYPE), [])
})

test('a release-handoff run leaves no result of a report writer, wherever it lies', async (t) => {
  const { check, write, dir } = desk(t, HANDOFF)
  const absent = await check(...RELEASE, '--worker-results', 'results')
  assert.deepEqual([absent.code, absent.stdout], [0, 'report.md: complete\n'])
  assert.match(absent.stderr, /there is no directory .*results/)
  write('results/notes.md', 'of the lead')
  assert.equal((await check(...RELEASE, '--worker-results', 'results')).code, 0)
  write('results/Report_Writer.md', '')
  write('results/report-writer/one.json', '{}')
  const { code, stdout } = await check(...RELEASE, '--worker-results', 'results', '--json')
  assert.equal(code, 1)
  const found = JSON.parse(stdout).findings.map(({ line, rule, path: file }) => [line, rule, path.relative(dir, file)])
  assert.deepEqual(found, [
    [16, 'worker-result-forbidden', path.join('results', 'Report_Writer.md')],
    [16, 'worker-result-forbidden', path.join('results', 'report-writer', 'one.json')],
  ])
})

test('with the command log, a command that was not run is found', async (t) => {
  const { check, write } = desk(t, HANDOFF)
  write('commands.log', '$ git push -u origin fix-fix-42\n$ gh pr create --base main --fill\n')
  assert.equal((await check(...RELEASE, '--command-log', 'commands.log')).code, 0)
  write('commands.log', '$ git push -u origin fix-fix-42\n')
  assert.match((await check(...RELEASE, '--command-log', 'commands.log')).stdout, /^report\.md:\d+: command-unrecorded: "gh pr create .*\n$/)
})

test('a hostile file name or text cannot forge a line of the answer', async (t) => {
  const { okstra, write } = desk(t)
  const name = process.platform === 'win32' ? 'b.md' : 'b\u001b[31m\n.md'
  write(name, IMPLEMENTATION.replace('## 1. Summary', '## 1. \u001b[2JX'))
  const { stdout, stderr } = await okstra(['report', 'check', name, ...TYPE])
  assert.doesNotMatch(stdout + stderr, /\u001b/)
  assert.equal(stdout.split('\n').length, 2)
})

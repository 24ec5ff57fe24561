'use strict'
// What the README shows is what a new user sees.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, ROOT } = require('./helpers/repository.js')

test('the first five minutes go as the README shows them', async (t) => {
  const section = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8').split('## The first five minutes')[1].split('\n## ')[0]
  const shown = /```text\n([^]*?)```/.exec(section)[1]
  const commands = [...section.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => block.trim().split('\n'))
  const box = sandbox(t)
  const root = box.repository('shop', { files: { 'README.md': 'read me\n' } })
  fs.mkdirSync(path.join(root, '.scratch'))
  const said = []
  for (const line of commands) {
    const [, args] = /okstra ([^")]*)/.exec(line)
    const { code, stdout, stderr } = await box.okstra(args.trim().split(' '), { cwd: root })
    assert.equal(code, 0, `${line}: ${stderr}`)
    said.push(stderr + stdout)
  }
  const first = said[0].replaceAll(box.home, '/home/you').replaceAll('\\', '/').replace(/based on [0-9a-f]{12}/, 'based on 3b2c4066a4a0')
  assert.equal(first, shown)
  assert.match(said[2], /^shop\/checkout\/fix-42: reused /)
  assert.ok(commands.length >= 6)
})

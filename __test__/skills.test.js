'use strict'
// The skills as they are installed: their front matter, and the opening step that all of them begin with.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ROOT } = require('./helpers/repository.js')
const { renderSkill, renderedSkills } = require('../launcher/install/render.js')
const { COMMANDS } = require('../launcher/table.js')

const NAMES = ['okstra-history', 'okstra-report-writer', 'okstra-setup']
const STEP = fs.readFileSync(path.join(ROOT, 'skills', 'opening-step.md'), 'utf8').replace(/\r\n/g, '\n').trimEnd()

function frontMatter(text) {
  const [, head] = /^---\n(.*?)\n---\n/s.exec(text)
  return Object.fromEntries(head.split('\n').map((line) => /^([a-z-]+): (.+)$/.exec(line).slice(1)))
}

test('each skill has its name, a description, and carries the opening step once', () => {
  const skills = renderedSkills()
  assert.deepEqual(skills.map(({ name }) => name), NAMES)
  for (const { name, text } of skills) {
    const head = frontMatter(text)
    assert.equal(head.name, name)
    assert.ok(head.description.length > 40 && head.description.length <= 1024, name)
    assert.doesNotMatch(head.description, /: |[<>]/, 'plain in YAML without quotes')
    assert.equal(head['user-invocable'], name === 'okstra-report-writer' ? 'false' : undefined)
    assert.equal(text.split(STEP).length, 2, name)
    assert.doesNotMatch(text, /okstra:opening-step/)
    assert.equal(text.match(/^```sh\nokstra_cli\(\) \{$/gm).length, 1)
    assert.doesNotMatch(fs.readFileSync(path.join(ROOT, 'skills', name, 'SKILL.md'), 'utf8'), /okstra_cli|ensure-installed/, 'written once')
  }
})

test('a skill without the line of the opening step, or with two of it, is refused', () => {
  const marker = '<!-- okstra:opening-step -->'
  assert.equal(renderSkill(`a\n${marker}\nb`, '$& $1\n'), 'a\n$& $1\nb')
  assert.throws(() => renderSkill('a\n', STEP), /0 times/)
  assert.throws(() => renderSkill(`${marker}\n${marker}\n`, STEP), /2 times/)
  assert.throws(() => renderSkill(`Put ${marker} here.\n`, STEP), /0 times/)
})

test('the skills name only commands and options that exist', () => {
  for (const { name, text } of renderedSkills()) {
    for (const [, block] of text.replace(STEP, '').matchAll(/^ *```sh\n(.*?)^ *```$/gms)) {
      for (const line of block.split('\n').map((one) => one.trim()).filter((one) => one.startsWith('okstra '))) {
        const [, first, second] = /^okstra (\S+)(?: ([a-z]+))?/.exec(line)
        const command = COMMANDS[first] ?? COMMANDS[`${first} ${second}`]
        assert.ok(command, `${name}: ${line}`)
        for (const [, option] of line.matchAll(/ --([a-z-]+)/g)) {
          assert.ok(option === 'json' || Object.hasOwn(command.options, option), `${name}: ${line}`)
        }
      }
    }
  }
})

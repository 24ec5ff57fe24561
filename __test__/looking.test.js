'use strict'
// Looking at worktrees: who counts as being inside, and what of the repositories' configuration is run.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { sandbox, BIN } = require('./helpers/repository.js')

const linux = { skip: process.platform !== 'linux' && 'only Linux tells of other processes' }

/** A repository with a task whose worktree holds a cache. */
async function withCache(t) {
  const box = sandbox(t)
  const root = box.repository('shop', { files: { a: 'a\n', '.gitignore': 'node_modules\n' } })
  const made = await box.okstra(['provision', 'g/t', '--phase', 'one', '--project', 'shop', '--json'], { cwd: root })
  const tree = JSON.parse(made.stdout).path
  const cache = path.join(tree, 'node_modules')
  fs.mkdirSync(cache)
  fs.writeFileSync(path.join(cache, 'a'), 'x')
  /** Runs a script in the worktree; `$OKSTRA` is the command. */
  const shell = (script) => {
    const child = spawn('sh', ['-c', script], { cwd: tree, env: { ...box.env, NODE: process.execPath, BIN }, stdio: ['ignore', 'pipe', 'pipe'] })
    return new Promise((resolve) => {
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
      child.on('close', () => resolve(output))
    })
  }
  return { ...box, root, tree, cache, shell }
}

test('the other end of its own pipe is nobody at work', linux, async (t) => {
  const { cache, shell } = await withCache(t)
  const pipelines = [
    '"$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | cat',
    '"$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | grep -v nothing | cat | cat',
    'yes | "$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | (cat; true)',
  ]
  for (const pipeline of pipelines) {
    fs.mkdirSync(cache, { recursive: true })
    fs.writeFileSync(path.join(cache, 'a'), 'x')
    const output = await shell(pipeline)
    assert.ok(!fs.existsSync(cache), `${pipeline}: ${output}`)
  }
})

test('a background job of the same script is at work, also with the same output', linux, async (t) => {
  const { cache, shell } = await withCache(t)
  const output = await shell('sleep 600 & "$NODE" "$BIN" reclaim shop/g/t --yes 2>&1 | cat; kill $!')
  assert.match(output, /sleep 600/)
  assert.ok(fs.existsSync(cache))
})

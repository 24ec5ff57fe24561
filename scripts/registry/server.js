'use strict'

// A registry on the loopback interface that knows only what is published into it: it asks no other registry. Says its
// port to the process that started it, and ends with it.

const path = require('node:path')
const { runServer } = require('verdaccio')

async function main(storage) {
  const server = await runServer({
    self_path: path.join(storage, 'config.yaml'),
    storage: path.join(storage, 'packages'),
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$all', unpublish: '$all' } },
    auth: { htpasswd: { file: path.join(storage, 'htpasswd'), max_users: -1 } },
    web: { enable: false },
    // The debug build of the native part is large.
    max_body_size: '200mb',
    log: { type: 'stdout', format: 'pretty', level: 'fatal' },
  })
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
  process.on('disconnect', () => process.exit())
}

main(process.argv[2])

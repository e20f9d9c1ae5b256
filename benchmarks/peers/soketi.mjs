// Soketi on loopback alone: node soketi.mjs PORT KEY SECRET
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { Server } = require('@soketi/soketi/dist/server')
const [port, key, secret] = process.argv.slice(2)
const server = new Server()
await server.initialize?.({})
server.setOptions?.({
  host: '127.0.0.1', port: Number(port), debug: false,
  'adapter.driver': 'local', 'metrics.enabled': false,
  'cluster.hostname': '127.0.0.1', 'cluster.unicast': '127.0.0.1', 'cluster.broadcast': null,
  'appManager.array.apps': [{ id: 'main', key, secret, maxConnections: -1, enableClientMessages: true, enabled: true,
    maxBackendEventsPerSecond: -1, maxClientEventsPerSecond: -1, maxReadRequestsPerSecond: -1, webhooks: [] }],
})
// It looks for others by UDP; only on loopback, by the settings above.
await new Promise((listening) => server.start(listening))
console.log(`listening on http://127.0.0.1:${port}`)

// Prints the server's own /openapi.json, from which the page's types are made (./dev types).
import { Server } from './server.mjs'

const server = await Server.start()
const { json } = await server.request('GET', '/openapi.json')
await server.close()
process.stdout.write(JSON.stringify(json, null, 1) + '\n')

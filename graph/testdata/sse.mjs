// The official client, told line by line what to do next; it says what it gets.
import { createClient } from 'graphql-sse'
import { createInterface } from 'node:readline'

const [, , url, token, query] = process.argv
const say = (...words) => console.log(words.join(' '))
const client = createClient({
  url,
  headers: { authorization: `Bearer ${token}` },
  retryAttempts: 100,
  retry: () => new Promise(r => setTimeout(r, 50)),
  on: { connected: again => say(again ? 'connected again' : 'connected') },
})
const sink = name => ({
  next: r => say(name, 'next', JSON.stringify(r)),
  error: e => say(name, 'error', e.message),
  complete: () => say(name, 'complete'),
})
let end
const steps = [
  () => client.subscribe({ query: '{ viewer { email } }' }, sink('query')),
  () => client.subscribe({ query: '{ nothing }' }, sink('invalid')),
  () => { end = client.subscribe({ query }, sink('push')) },
  () => { end(); say('hung up') },
  () => process.exit(0),
]
for await (const _ of createInterface({ input: process.stdin })) steps.shift()()

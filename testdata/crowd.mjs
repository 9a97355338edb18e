// Many official clients follow voicemailReceived, each from its last cursor on after every lost connection.
//
//   node crowd.mjs ws://host/graphql TOKEN CURSOR CLIENTS
//
// A line on stdin says how many voicemails there were; once every client has heard of so many, or of more, one line of JSON says what each
// was told: the sequences that occur and how many clients have each, and how often a client was told that it was over.
import { createClient } from 'graphql-ws';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const [url, token, after, clients] = process.argv.slice(2);
const query = 'subscription($after: Cursor) { voicemailReceived(after: $after) { cursor node { recordingSid } } }';
const heard = [];
let completed = 0;
const failed = [];
const closed = {};

for (let i = 0; i < Number(clients); i++) {
  const mine = [];
  heard.push(mine);
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    retryWait: () => new Promise((r) => setTimeout(r, 100 + Math.random() * 400)),
    shouldRetry: () => true,
    on: { closed: (e) => (closed[e.code] = (closed[e.code] ?? 0) + 1) },
  });
  // The client sends this very object again after a lost connection, so the cursor in it is the one to go on from.
  const operation = { query, variables: { after } };
  const follow = () =>
    client.subscribe(operation, {
      next: ({ data, errors }) => {
        if (errors) {
          failed.push(errors);
          return;
        }
        operation.variables.after = data.voicemailReceived.cursor;
        mine.push(data.voicemailReceived.node.recordingSid);
      },
      error: (err) => {
        const away = Array.isArray(err) && err.every((e) => e.extensions?.code === 'UNAVAILABLE');
        if (!away) failed.push(err);
        setTimeout(follow, 200);
      },
      complete: () => completed++,
    });
  follow();
}

console.log('ready');
createInterface({ input: process.stdin }).on('line', (line) => {
  const want = Number(line);
  const look = setInterval(() => {
    if (heard.some((mine) => mine.length < want) && Date.now() < deadline) return;
    clearInterval(look);
    const sequences = {};
    for (const mine of heard) sequences[mine.join(' ')] = (sequences[mine.join(' ')] ?? 0) + 1;
    const report = JSON.stringify({ sequences, completed, failed: failed.slice(0, 3).map(String), closed });
    process.stdout.write(report + '\n', () => process.exit(0)); // a long one takes more than one write
  }, 50);
  const deadline = Date.now() + 120_000;
});

// Prints the first push of voicemailReceived past a cursor: node follow.mjs URL TOKEN CURSOR
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, after] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
});
const query = 'subscription($after: Cursor) { voicemailReceived(after: $after) { cursor node { recordingSid } } }';

for await (const result of client.iterate({ query, variables: { after } })) {
  if (result.errors) throw new Error(JSON.stringify(result.errors));
  console.log(JSON.stringify(result.data));
  break;
}
await client.dispose();

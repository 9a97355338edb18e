// Lists voicemails and follows what arrives without a WebSocket: graphql-sse.
import { createClient } from 'graphql-sse';
import { resuming } from './resuming';
import { headers, url } from './settings';

interface Edge {
  cursor: string;
  node: { id: string; from: string; recordingSid: string };
}

// In HTTP/1.1 a browser opens six connections to a host, and each subscription takes one: let HTTP/2 be spoken in front of the service, or
// use a WebSocket.
const client = resuming(createClient({ url, headers: async () => headers, retryAttempts: Infinity }));

const list = `{ voicemails(first: 20) { edges { node { id from recordingSid } } pageInfo { startCursor } } }`;

const follow = `subscription ($after: Cursor) { voicemailReceived(after: $after) { cursor node { id from recordingSid } } }`;

client.subscribe<{ voicemails: { edges: Edge[]; pageInfo: { startCursor: string } } }>({ query: list }, {
  next: ({ data, errors }) => {
    if (!data) throw new Error(errors?.[0].message);
    for (const { node } of data.voicemails.edges) console.log('has', node.recordingSid);
    receive(data.voicemails.pageInfo.startCursor);
  },
  error: (error) => console.error(error),
  complete: () => {},
});

function receive(after: string) {
  client.subscribe<{ voicemailReceived: Edge }>({ query: follow, variables: { after } }, {
    next: ({ data, errors }) => {
      if (errors) console.error(errors[0].message); // refused: it ends with that
      else console.log('received', data?.voicemailReceived.node.recordingSid);
    },
    error: (error) => console.error(error),
    complete: () => console.log('over'),
  });
}

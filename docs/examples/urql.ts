// urql: queries and mutations by fetch; subscriptions over a WebSocket, or as an event stream.
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { connect } from './socket';
import { patient } from './patient';
import { headers, url } from './settings';

interface Edge {
  cursor: string;
  node: { id: string; from: string; recordingSid: string };
}

const socket = connect();
const client = new Client({
  url,
  preferGetMethod: false,
  fetch: patient,
  fetchOptions: () => ({ headers }),
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query!, variables }, sink) }),
      }),
    }),
  ],
});

const LIST = gql<{ voicemails: { edges: Edge[]; pageInfo: { startCursor: string } } }, {}>`
  query { voicemails(first: 20) { edges { node { id from recordingSid } } pageInfo { startCursor } } }
`;

const FOLLOW = gql<{ voicemailReceived: Edge }, { after: string }>`
  subscription ($after: Cursor) { voicemailReceived(after: $after) { cursor node { id from recordingSid } } }
`;

const { data, error } = await client.query(LIST, {});
if (!data) throw error;
for (const { node } of data.voicemails.edges) console.log('has', node.recordingSid);

client.subscription(FOLLOW, { after: data.voicemails.pageInfo.startCursor }).subscribe(({ data, error }) => {
  if (error) console.error(error.message);
  else console.log('received', data?.voicemailReceived.node.recordingSid);
});

// Without a WebSocket: urql's fetchExchange reads event streams. It does not come back when one is cut, as at every restart of the
// service, so that is done here.
const streams = new Client({ url, preferGetMethod: false, fetch: patient, fetchSubscriptions: true, fetchOptions: () => ({ headers }), exchanges: [fetchExchange] });

function stream(after: string) {
  streams.subscription(FOLLOW, { after }).subscribe(({ data, error, hasNext }) => {
    if (data && !error && hasNext) {
      after = data.voicemailReceived.cursor;
      console.log('streamed', data.voicemailReceived.node.recordingSid);
    } else if (!error || error.networkError || error.graphQLErrors.every((e) => e.extensions.code === 'UNAVAILABLE')) {
      setTimeout(() => stream(after), 1000); // cut; what came last is told once more, with hasNext: false
    } else {
      console.error(error.message);
    }
  });
}

stream(data.voicemails.pageInfo.startCursor);

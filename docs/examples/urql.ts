// urql: queries and mutations by fetch; subscriptions over a WebSocket, or as event streams.
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { CHANGED, Inbox, LIST, RECEIVED, type Change, type Edge, type List } from './inbox';
import { patient } from './patient';
import { headers, isSignedOut, report, url } from './session';
import { connect } from './socket';

const socket = connect();
const client = new Client({
  url,
  preferGetMethod: false,
  fetch: patient,
  fetchOptions: () => ({ headers: headers() }),
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query!, variables }, sink) }),
      }),
    }),
  ],
});

const received = gql<{ voicemailReceived: Edge }, { after: string }>(RECEIVED);
const changed = gql<{ voicemailChanged: Change }, { after: string }>(CHANGED);

const { data, error } = await client.query(gql<List, {}>(LIST), {});
if (!data) throw error;
const { edges, followCursor } = data.voicemails;
const inbox = new Inbox(edges);

client.subscription(received, { after: followCursor }).subscribe(({ data, error }) => {
  if (error) report(error);
  else if (data) inbox.receive(data.voicemailReceived);
});

client.subscription(changed, { after: followCursor }).subscribe(({ data, error }) => {
  if (error) report(error);
  else if (data) inbox.change(data.voicemailChanged);
});

// Without a WebSocket: urql's fetchExchange reads event streams. It does not come back when one is cut, as at every restart of the
// service, so that is done here.
const streams = new Client({
  url, preferGetMethod: false, fetch: patient, fetchSubscriptions: true, fetchOptions: () => ({ headers: headers() }), exchanges: [fetchExchange],
});

function stream(after: string) {
  if (isSignedOut()) return;
  streams.subscription(received, { after }).subscribe(({ data, error, hasNext }) => {
    if (data && !error && hasNext) {
      after = data.voicemailReceived.cursor;
      console.log('streamed', data.voicemailReceived.node.recordingSid);
    } else if (!error || error.networkError || error.graphQLErrors.every((e) => e.extensions.code === 'UNAVAILABLE')) {
      setTimeout(() => stream(after), 1000); // cut; what came last is told once more, with hasNext: false
    } else {
      report(error);
    }
  });
}

stream(followCursor);

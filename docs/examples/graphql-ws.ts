// Lists voicemails and follows what arrives, with no gap between the two and none at a lost connection: graphql-ws, and fetch.
import { connect } from './socket';
import { patient } from './patient';
import { headers, url } from './settings';

interface Edge {
  cursor: string;
  node: { id: string; from: string; recordingSid: string };
}

const list = `{ voicemails(first: 20) { edges { cursor node { id from recordingSid } } pageInfo { startCursor } } }`;

const follow = `subscription ($after: Cursor) { voicemailReceived(after: $after) { cursor node { id from recordingSid } } }`;

const answer = await patient(url, {
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
  body: JSON.stringify({ query: list }),
});
const { data, errors } = await answer.json();
if (errors) throw new Error(errors[0].message);
for (const { node } of data.voicemails.edges as Edge[]) console.log('has', node.recordingSid);

// An empty list has a startCursor too: the present place.
connect().subscribe<{ voicemailReceived: Edge }>(
  { query: follow, variables: { after: data.voicemails.pageInfo.startCursor } },
  {
    next: ({ data }) => console.log('received', data?.voicemailReceived.node.recordingSid),
    error: (error) => console.error(error), // nothing that passes: a query that is wrong, or a token that is over
    complete: () => console.log('over'), // the server never says so of a subscription that is not
  },
);

// Lists voicemails and follows them, with no gap between the two and none at a lost connection: graphql-ws, and fetch.
import { CHANGED, Inbox, LIST, RECEIVED, type Change, type Edge, type List } from './inbox';
import { patient } from './patient';
import { headers, report, url } from './session';
import { connect } from './socket';

const answer = await patient(url, {
  method: 'POST',
  headers: { ...headers(), 'content-type': 'application/json', accept: 'application/graphql-response+json' },
  body: JSON.stringify({ query: LIST }),
});
const { data, errors } = await answer.json();
if (errors) throw new Error(errors[0].message);
const { edges, followCursor } = (data as List).voicemails;
const inbox = new Inbox(edges);
const client = connect();

function follow<T>(query: string, push: (data: T) => void) {
  client.subscribe<T>({ query, variables: { after: followCursor } }, {
    next: ({ data }) => data && push(data),
    error: report,
    complete: () => console.log('over'), // the server never says so of a subscription that is not
  });
}

follow<{ voicemailReceived: Edge }>(RECEIVED, ({ voicemailReceived }) => inbox.receive(voicemailReceived));
follow<{ voicemailChanged: Change }>(CHANGED, ({ voicemailChanged }) => inbox.change(voicemailChanged));

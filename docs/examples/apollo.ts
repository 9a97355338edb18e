// Apollo Client: a list in its cache, both subscriptions that keep it, and a mutation.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client/core';
import { setContext } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { CHANGED, isOlder, LIST, RECEIVED, type Change, type Edge, type List } from './inbox';
import { patient } from './patient';
import { headers, report, url } from './session';
import { connect } from './socket';

const client = new ApolloClient({
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { voicemails: relayStylePagination(['where']) } } } }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(connect()), // which resumes: see resuming.ts
    setContext(() => ({ headers: headers() })).concat(new HttpLink({ uri: url, fetch: patient })),
  ),
});

const list: TypedDocumentNode<List> = gql(LIST);
const received: TypedDocumentNode<{ voicemailReceived: Edge }, { after: string }> = gql(RECEIVED);
const changed: TypedDocumentNode<{ voicemailChanged: Change }, { after: string }> = gql(CHANGED);

const mark: TypedDocumentNode<{ markVoicemails: { id: string }[] }, { ids: string[] }> = gql`
  mutation Mark($ids: [ID!]!) {
    markVoicemails(ids: $ids, heard: true) { id heardAt }
  }
`;

const { data } = await client.query({ query: list });
if (!data) throw new Error('There is no list.');
for (const { node } of data.voicemails.edges) console.log('has', node.recordingSid);
const after = data.voicemails.followCursor;

client.subscribe({ query: received, variables: { after } }).subscribe({
  next: ({ data, error }) => {
    if (error) report(error);
    else if (data) receive(data.voicemailReceived);
  },
  error: report,
});

client.subscribe({ query: changed, variables: { after } }).subscribe({
  next: ({ data, error }) => {
    if (error) report(error);
    else if (data) change(data.voicemailChanged);
  },
  error: report,
});

const listed = () => client.readQuery({ query: list })?.voicemails.edges ?? [];

const show = (edges: Edge[]) => client.cache.updateQuery({ query: list }, (shown) => shown && { voicemails: { ...shown.voicemails, edges } });

const gone = new Set<string>(); // a deletion may come before the voicemail itself

function receive(edge: Edge) {
  if (gone.has(edge.node.id) || listed().some(({ node }) => node.id === edge.node.id)) return;
  show([edge, ...listed()]);
  console.log('received', edge.node.recordingSid);
  void play(edge.node);
}

// What is updated the cache takes over by itself: the change carries the voicemail under its own id.
function change({ kind, voicemailID, edge }: Change) {
  const place = listed().findIndex(({ node }) => node.id === voicemailID);
  if (kind === 'DELETED') {
    gone.add(voicemailID);
    if (place >= 0) console.log('deleted', listed()[place].node.recordingSid);
    show(listed().filter(({ node }) => node.id !== voicemailID));
    client.cache.evict({ id: `Voicemail:${voicemailID}` });
  } else if (edge && kind === 'RESTORED') {
    gone.delete(voicemailID);
    if (place < 0) restore(edge);
  }
}

function restore(edge: Edge) {
  const edges = [...listed()];
  const older = edges.findIndex(({ node }) => isOlder(node, edge.node));
  edges.splice(older < 0 ? edges.length : older, 0, edge);
  show(edges);
  console.log('restored', edge.node.recordingSid);
}

async function play({ id, recordingSid }: Edge['node']) {
  await client.mutate({ mutation: mark, variables: { ids: [id] } });
  const heard = listed().find(({ node }) => node.id === id)?.node.heardAt;
  console.log('heard', recordingSid, heard ? 'and the list knows it' : 'and the list does not know it');
}

// Apollo Client: a list in its cache, a subscription that adds to it, and a mutation.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client/core';
import { relayStylePagination } from '@apollo/client/utilities';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { connect } from './socket';
import { patient } from './patient';
import { headers, url } from './settings';

interface Voicemail {
  __typename: 'Voicemail';
  id: string;
  from: string;
  recordingSid: string;
  heardAt: string | null;
}

interface Edge {
  __typename: 'VoicemailEdge';
  cursor: string;
  node: Voicemail;
}

interface List {
  voicemails: { edges: Edge[]; pageInfo: { startCursor: string; endCursor: string; hasNextPage: boolean } };
}

const client = new ApolloClient({
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { voicemails: relayStylePagination(['where']) } } } }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(connect()), // which resumes: see resuming.ts
    new HttpLink({ uri: url, headers, fetch: patient }),
  ),
});

const LIST: TypedDocumentNode<List> = gql`
  query List($after: Cursor) {
    voicemails(first: 20, after: $after) {
      edges { cursor node { id from recordingSid heardAt } }
      pageInfo { startCursor endCursor hasNextPage }
    }
  }
`;

const FOLLOW: TypedDocumentNode<{ voicemailReceived: Edge }, { after: string }> = gql`
  subscription Follow($after: Cursor) {
    voicemailReceived(after: $after) { cursor node { id from recordingSid heardAt } }
  }
`;

const MARK: TypedDocumentNode<{ markVoicemails: Voicemail[] }, { ids: string[] }> = gql`
  mutation Mark($ids: [ID!]!) {
    markVoicemails(ids: $ids, heard: true) { id heardAt }
  }
`;

const { data } = await client.query({ query: LIST });
if (!data) throw new Error('There is no list.');
for (const { node } of data.voicemails.edges) console.log('has', node.recordingSid);

client.subscribe({ query: FOLLOW, variables: { after: data.voicemails.pageInfo.startCursor } }).subscribe({
  next: ({ data, error }) => {
    if (error) console.error(error.message);
    else if (data) receive(data.voicemailReceived);
  },
  error: (error) => console.error(error),
  complete: () => console.log('over'),
});

function receive(edge: Edge) {
  console.log('received', edge.node.recordingSid);
  client.cache.updateQuery({ query: LIST }, (list) => list && { voicemails: { ...list.voicemails, edges: [edge, ...list.voicemails.edges] } });
  void play(edge.node);
}

async function play({ id, recordingSid }: Voicemail) {
  await client.mutate({ mutation: MARK, variables: { ids: [id] } });
  const listed = client.readQuery({ query: LIST })?.voicemails.edges.find(({ node }) => node.id === id);
  console.log('heard', recordingSid, listed?.node.heardAt ? 'and the list knows it' : 'and the list does not know it');
}

// Relay: a connection in its store to which a subscription adds, an object by its id, and a mutation.
import {
  commitMutation, createOperationDescriptor, Environment, fetchQuery, getRequest, graphql, Network, Observable, RecordSource, requestSubscription, Store,
  type FetchFunction, type GraphQLResponse, type SubscribeFunction,
} from 'relay-runtime';
import type { relayListQuery } from './__generated__/relayListQuery.graphql';
import type { relayMarkMutation } from './__generated__/relayMarkMutation.graphql';
import type { relayNodeQuery } from './__generated__/relayNodeQuery.graphql';
import type { relayReceivedSubscription } from './__generated__/relayReceivedSubscription.graphql';
import { connect } from './socket';
import { patient } from './patient';
import { headers, url } from './settings';

const ask: FetchFunction = async ({ text: query }, variables) => {
  const answer = await patient(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  return answer.json();
};

const socket = connect();
const follow: SubscribeFunction = ({ text: query }, variables) =>
  Observable.create<GraphQLResponse>((sink) => socket.subscribe({ query: query!, variables }, sink as Parameters<typeof socket.subscribe>[1]));

const environment = new Environment({ network: Network.create(ask, follow), store: new Store(new RecordSource()) });

const list = graphql`
  query relayListQuery {
    voicemails(first: 20) @connection(key: "relay_voicemails") {
      __id
      edges { node { id recordingSid } }
      pageInfo { startCursor }
    }
  }
`;

const received = graphql`
  subscription relayReceivedSubscription($after: Cursor, $connections: [ID!]!) {
    voicemailReceived(after: $after) @prependEdge(connections: $connections) {
      cursor
      node { id recordingSid }
    }
  }
`;

const mark = graphql`
  mutation relayMarkMutation($ids: [ID!]!) {
    markVoicemails(ids: $ids, heard: true) { id heardAt }
  }
`;

const one = graphql`
  query relayNodeQuery($id: ID!) {
    node(id: $id) { ... on Voicemail { recordingSid heardAt number { label } } }
  }
`;

// What is on the page stays in the store.
const page = createOperationDescriptor(getRequest(list), {});
environment.retain(page);
const listed = () => (environment.lookup(page.fragment).data as relayListQuery['response']).voicemails;

await fetchQuery<relayListQuery>(environment, list, {}).toPromise();
for (const edge of listed().edges ?? []) console.log('has', edge?.node?.recordingSid);

requestSubscription<relayReceivedSubscription>(environment, {
  subscription: received,
  variables: { after: listed().pageInfo.startCursor, connections: [listed().__id] },
  onNext: (pushed) => {
    const { id, recordingSid } = pushed!.voicemailReceived.node!;
    const first = listed().edges?.[0]?.node?.id === id;
    console.log('received', recordingSid, first ? 'as the first of the list' : 'and the list does not have it');
    hear(id);
  },
  onError: (error) => console.error(error),
  onCompleted: () => console.log('over'),
});

function hear(id: string) {
  commitMutation<relayMarkMutation>(environment, { mutation: mark, variables: { ids: [id] }, onCompleted: () => void show(id), onError: console.error });
}

async function show(id: string) {
  const answer = await fetchQuery<relayNodeQuery>(environment, one, { id }).toPromise();
  console.log('heard', answer?.node?.recordingSid, answer?.node?.heardAt ? `on ${answer.node.number?.label}` : 'not');
}

// Relay: a connection in its store that both subscriptions keep, an object by its id, and a mutation.
import {
  commitMutation, ConnectionHandler, createOperationDescriptor, Environment, fetchQuery, getRequest, graphql, Network, Observable, RecordSource,
  requestSubscription, Store, type FetchFunction, type GraphQLResponse, type RecordSourceSelectorProxy, type SubscribeFunction,
} from 'relay-runtime';
import type { relayChangedSubscription } from './__generated__/relayChangedSubscription.graphql';
import type { relayListQuery } from './__generated__/relayListQuery.graphql';
import type { relayMarkMutation } from './__generated__/relayMarkMutation.graphql';
import type { relayNodeQuery } from './__generated__/relayNodeQuery.graphql';
import type { relayReceivedSubscription } from './__generated__/relayReceivedSubscription.graphql';
import { isOlder } from './inbox';
import { patient } from './patient';
import { headers, report, url } from './session';
import { connect } from './socket';

const ask: FetchFunction = async ({ text: query }, variables) => {
  const answer = await patient(url, {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json', accept: 'application/graphql-response+json' },
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
      edges { cursor node { id recordingSid receivedAt } }
      followCursor
    }
  }
`;

const received = graphql`
  subscription relayReceivedSubscription($after: Cursor, $connections: [ID!]!) {
    voicemailReceived(after: $after) @prependEdge(connections: $connections) {
      cursor
      node { id recordingSid receivedAt }
    }
  }
`;

const changed = graphql`
  subscription relayChangedSubscription($after: Cursor) {
    voicemailChanged(after: $after) {
      cursor
      kind
      voicemailID
      edge { cursor node { id recordingSid receivedAt heardAt } }
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
const nodes = () => (listed().edges ?? []).flatMap((edge) => edge?.node ?? []);
const find = (id: string) => nodes().find((node) => node.id === id);

await fetchQuery<relayListQuery>(environment, list, {}).toPromise();
for (const { recordingSid } of nodes()) console.log('has', recordingSid);
const after = listed().followCursor;
const gone = new Set<string>(); // a deletion may come before the voicemail itself

requestSubscription<relayReceivedSubscription>(environment, {
  subscription: received,
  variables: { after, connections: [listed().__id] },
  updater: (store) => {
    const id = store.getRootField('voicemailReceived')!.getLinkedRecord('node')!.getDataID();
    if (gone.has(id)) ConnectionHandler.deleteNode(store.get(listed().__id)!, id);
  },
  onNext: (pushed) => {
    const { id, recordingSid } = pushed!.voicemailReceived.node!;
    if (gone.has(id)) return;
    console.log('received', recordingSid, nodes()[0]?.id === id ? 'as the first of the list' : 'and the list does not have it');
    hear(id);
  },
  onError: report,
  onCompleted: () => console.log('over'),
});

requestSubscription<relayChangedSubscription>(environment, {
  subscription: changed,
  variables: { after },
  updater: change,
  onError: report,
  onCompleted: () => console.log('over'),
});

// What is updated the store takes over by itself: the change carries the voicemail under its own id.
function change(store: RecordSourceSelectorProxy<relayChangedSubscription['response']>) {
  const pushed = store.getRootField('voicemailChanged')!;
  const connection = store.get(listed().__id)!;
  const id = pushed.getValue('voicemailID');
  const shown = find(id);
  const edge = pushed.getLinkedRecord('edge');
  if (pushed.getValue('kind') === 'DELETED') {
    gone.add(id);
    ConnectionHandler.deleteNode(connection, id);
    if (shown) console.log('deleted', shown.recordingSid);
  } else if (edge && pushed.getValue('kind') === 'RESTORED') {
    gone.delete(id);
    if (shown) return;
    const node = edge.getLinkedRecord('node')!;
    const restored = { receivedAt: String(node.getValue('receivedAt')) };
    const next = (listed().edges ?? []).find((other) => other?.node && isOlder(other.node, restored));
    const made = ConnectionHandler.createEdge(store, connection, node, 'VoicemailEdge');
    made.setValue(edge.getValue('cursor'), 'cursor');
    if (next) ConnectionHandler.insertEdgeBefore(connection, made, next.cursor);
    else ConnectionHandler.insertEdgeAfter(connection, made);
    console.log('restored', node.getValue('recordingSid'));
  }
}

function hear(id: string) {
  commitMutation<relayMarkMutation>(environment, { mutation: mark, variables: { ids: [id] }, onCompleted: () => void show(id), onError: report });
}

async function show(id: string) {
  const answer = await fetchQuery<relayNodeQuery>(environment, one, { id }).toPromise();
  console.log('heard', answer?.node?.recordingSid, answer?.node?.heardAt ? `on ${answer.node.number?.label}` : 'not');
}

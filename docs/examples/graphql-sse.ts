// Lists voicemails and follows them without a WebSocket: graphql-sse.
import { createClient } from 'graphql-sse';
import { CHANGED, Inbox, LIST, RECEIVED, type Change, type Edge, type List } from './inbox';
import { patient } from './patient';
import { resuming } from './resuming';
import { headers, report, url } from './session';

// In HTTP/1.1 a browser opens six connections to a host, and each subscription takes one: let HTTP/2 be spoken in front of the service, or
// use a WebSocket. It would try for ever with a token that is over, but for headers, which then throws.
const client = resuming(createClient({ url, fetchFn: patient, headers: async () => headers(), retryAttempts: Infinity }));

client.subscribe<List>({ query: LIST }, {
  next: ({ data, errors }) => {
    if (!data) throw new Error(errors?.[0].message);
    const { edges, followCursor } = data.voicemails;
    const inbox = new Inbox(edges);
    follow<{ voicemailReceived: Edge }>(RECEIVED, followCursor, ({ voicemailReceived }) => inbox.receive(voicemailReceived));
    follow<{ voicemailChanged: Change }>(CHANGED, followCursor, ({ voicemailChanged }) => inbox.change(voicemailChanged));
  },
  error: report,
  complete: () => {},
});

function follow<T>(query: string, after: string, push: (data: T) => void) {
  client.subscribe<T>({ query, variables: { after } }, {
    next: ({ data, errors }) => {
      if (errors) report(errors[0]); // refused: it ends with that
      else if (data) push(data);
    },
    error: report,
    complete: () => console.log('over'),
  });
}

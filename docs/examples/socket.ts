// A connection for subscriptions that comes back by itself, for as long as the page is open.
import { createClient, type Client } from 'graphql-ws';
import WebSocket from 'ws'; // for Node; browsers have their own
import { resuming } from './resuming';
import { headers, url } from './settings';

export function connect(): Client {
  let silence: ReturnType<typeof setTimeout>;
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: async () => headers, // asked again for each connection: the place to renew a token
    retryAttempts: Infinity, // 5 are not enough for a night in a drawer
    on: {
      // The server says something every 20 seconds. A network that has gone away says nothing, not even that.
      message: () => {
        clearTimeout(silence);
        silence = setTimeout(() => client.terminate(), 50_000);
      },
      closed: () => clearTimeout(silence),
    },
  });
  return resuming(client);
}

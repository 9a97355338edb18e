// A connection for subscriptions that comes back by itself, for as long as the page is open and its token is valid.
import { createClient, type Client } from 'graphql-ws';
import { resuming } from './resuming';
import { headers, signedOut, url } from './session';

// Browsers have WebSockets, and so has Node from 22 on.
const webSocketImpl = globalThis.WebSocket ?? (await import('ws')).default;

const FORBIDDEN = 4403;

export function connect(): Client {
  let silence: ReturnType<typeof setTimeout>;
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl,
    connectionParams: async () => headers(),
    retryAttempts: Infinity, // 5 are not enough for a night in a drawer
    shouldRetry: (closed) => codeOf(closed) !== undefined && codeOf(closed) !== FORBIDDEN,
    on: {
      // The server says something every 20 seconds. A network that has gone away says nothing, not even that.
      message: () => {
        clearTimeout(silence);
        silence = setTimeout(() => client.terminate(), 50_000);
      },
      closed: (event) => {
        clearTimeout(silence);
        if (codeOf(event) === FORBIDDEN) signedOut();
      },
    },
  });
  return resuming(client);
}

const codeOf = (event: unknown) => (event as { code?: number } | undefined)?.code;

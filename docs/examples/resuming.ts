// Subscriptions that go on from the last cursor that they were given, whatever becomes of their connections.
//
// The subscription must select `cursor` and have a variable $after. graphql-ws and graphql-sse send the very object again that they were
// given, as soon as they are connected again: so the cursor is put into it.

interface Result {
  data?: Record<string, any> | null;
}

interface Sink<R> {
  next(result: R): void;
  error(error: unknown): void;
  complete(): void;
}

type Request = { query: string; variables?: Record<string, unknown> | null };

// The part of a client of graphql-ws, or of graphql-sse, that subscribes.
type Subscriber = { subscribe(request: Request, sink: Sink<any>): () => void };

export function resuming<C extends Subscriber>(client: C): C {
  const subscribe = (request: Request, sink: Sink<Result>) => {
    const variables = { ...request.variables };
    let again: ReturnType<typeof setTimeout>;
    let stop = () => {};
    const begin = () => {
      stop = client.subscribe({ ...request, variables }, {
        next: (result: Result) => {
          sink.next(result);
          variables.after = cursorOf(result) ?? variables.after;
        },
        error: (error) => {
          if (passes(error)) again = setTimeout(begin, 1000 + Math.random() * 1000);
          else sink.error(error);
        },
        complete: () => sink.complete(),
      });
    };
    begin();
    return () => {
      clearTimeout(again);
      stop();
    };
  };
  return { ...client, subscribe };
}

const cursorOf = ({ data }: Result): string | undefined => Object.values(data ?? {})[0]?.cursor;

// passes tells whether a refusal is for now only.
const passes = (error: unknown) =>
  Array.isArray(error) && error.every((e) => ['UNAVAILABLE', 'RATE_LIMITED'].includes(e.extensions?.code));

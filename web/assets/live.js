import { problemOf } from "./api.js";
import { token } from "./token.js";

const PING_EVERY = 20_000;

// delay is how long to wait before try n, in ms: longer each time, and different for each of many clients that were cut off together.
export const delay = (n) => Math.min(30_000, 500 * 2 ** n) * (0.5 + Math.random() / 2);

// follow keeps subscriptions running over one connection at a time, by the graphql-transport-ws protocol. Each connection begins them with
// what their variables() then give. It returns a function that ends them.
//   subscriptions     [{ query, variables(), onData(data) }]
//   onState(state)    "connecting", "live", "waiting" or "ended"
//   onProblem(p)      the service refuses the token or a subscription; nothing follows
export function follow({ subscriptions, onState, onProblem }) {
  let socket, pinger, waiting, tries = 0, over = false;

  function connect() {
    clearTimeout(waiting);
    onState("connecting");
    const address = new URL("graphql", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const own = new WebSocket(address, "graphql-transport-ws");
    socket = own;
    let opened = 0, heard = true;
    const send = (message) => own.send(JSON.stringify(message));

    own.onopen = () => send({ type: "connection_init", payload: { authorization: "Bearer " + token() } });
    own.onmessage = ({ data }) => {
      heard = true;
      const message = JSON.parse(data);
      switch (message.type) {
        case "connection_ack":
          opened = Date.now();
          subscriptions.forEach(({ query, variables }, id) =>
            send({ id: String(id), type: "subscribe", payload: { query, variables: variables() } }));
          onState("live");
          break;
        case "next":
          if (message.payload.data) subscriptions[message.id].onData(message.payload.data);
          else fail(problemOf(message.payload.errors));
          break;
        case "error":
          fail(problemOf(message.payload));
          break;
        case "complete":
          stop();
          onState("ended");
          break;
        case "ping":
          send({ type: "pong" });
      }
    };
    own.onclose = ({ code }) => {
      if (code === 4401 || code === 4403) refuse({ code: "UNAUTHENTICATED", message: "The token was not accepted." });
      else again(opened);
    };

    // A browser notices late, or never, that the other side is gone (a laptop that slept, a cut cable).
    pinger = setInterval(() => {
      if (!heard) return again(opened);
      heard = false;
      if (own.readyState === WebSocket.OPEN) send({ type: "ping" });
    }, PING_EVERY);

    function fail(problem) {
      if (["UNAUTHENTICATED", "BAD_USER_INPUT"].includes(problem.code)) refuse(problem);
      else again(opened);
    }
  }

  function hangUp() {
    clearInterval(pinger);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  function again(opened) {
    hangUp();
    if (opened && Date.now() - opened > 10_000) tries = 0;
    onState("waiting");
    waiting = setTimeout(connect, delay(tries++));
  }

  function stop() {
    if (over) return;
    over = true;
    clearTimeout(waiting);
    removeEventListener("online", hurry);
    hangUp();
  }

  function refuse(problem) {
    stop();
    onProblem(problem);
  }

  function hurry() {
    hangUp();
    connect();
  }

  addEventListener("online", hurry);
  connect();
  return stop;
}

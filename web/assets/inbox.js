import { ask } from "./api.js";
import { callItem } from "./call.js";
import { caller } from "./dom.js";
import { delay, follow } from "./live.js";
import { CALL_CHANGED, CALLS, CHANGED, INBOX, OLDER, ONE, RECEIVED } from "./queries.js";
import { forgetToken, keepToken, takeTokenFromAddress, token } from "./token.js";
import { pending, voicemailItem } from "./voicemail.js";

const LOOK_AGAIN = 4_000;
const PATIENCE = 3 * 60_000;
const MINUTE = 60_000;
const LIVE = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…", ended: "No longer live" };

const at = (id) => document.getElementById(id);
let voicemails, calls; // what is on the page, by id
let early; // what we were told of voicemails that are not on the page, by id; null: deleted. It may come before the voicemail itself
let places; // how far each subscription of voicemails has come
let end; // the cursor of the oldest one shown
let stop = () => {};
let session = 0; // answers to an earlier one are not shown

async function start() {
  const own = ++session;
  stop();
  voicemails = new Map();
  calls = new Map();
  early = new Map();
  at("voicemails").replaceChildren();
  at("calls").replaceChildren();
  at("sign-in").hidden = true;
  at("sign-out").hidden = false;

  let data = null;
  for (let tries = 0; !data; tries++) {
    data = await ask(INBOX).then(works, salvage);
    if (own === session && !data) await new Promise((done) => setTimeout(done, delay(tries)));
    if (own !== session) return;
  }
  at("viewer").textContent = data.viewer.name || data.viewer.email;
  const { followCursor } = data.voicemails;
  places = { received: followCursor, changed: followCursor };
  showPage(data.voicemails);
  showCalls(data.calls);
  at("inbox").hidden = false;
  stop = follow({
    subscriptions: [
      { query: RECEIVED, variables: () => ({ after: places.received }), onData: arrive },
      { query: CHANGED, variables: () => ({ after: places.changed }), onData: change },
      { query: CALL_CHANGED, variables: () => ({ since: knownCallsFrom() }), onData: changeCall },
    ],
    onState(state) {
      at("live").textContent = LIVE[state];
      at("live").dataset.state = state;
      at("live").hidden = false;
      if (state === "ended") notice("Live updates have ended. Load this page again to go on.");
    },
    onProblem(problem) {
      // The list is read anew if its place is not known any more.
      if (problem.code === "BAD_USER_INPUT") setTimeout(() => own === session && start(), delay(3));
      else trouble(problem);
    },
  });
}

function signIn(sentence) {
  session++;
  stop();
  forgetToken();
  for (const id of ["inbox", "sign-out", "live"]) at(id).hidden = true;
  at("viewer").textContent = at("arrivals").textContent = "";
  at("voicemails").replaceChildren();
  at("calls").replaceChildren();
  at("sign-in").hidden = false;
  at("token").focus();
  notice(sentence);
}

function notice(sentence) {
  at("notice").textContent = sentence;
  at("notice").hidden = !sentence;
}

function trouble(problem) {
  if (problem.code === "UNAUTHENTICATED") signIn("The token was not accepted. It may have expired; sign in again.");
  else notice(problem.message);
}

function works(data) {
  notice("");
  return data;
}

// salvage shows what went wrong and goes on with the part of the answer that came.
function salvage(problem) {
  trouble(problem);
  return problem.data;
}

function showPage({ edges, pageInfo }) {
  for (const edge of edges) if (edge?.node) at("voicemails").append(...add(edge.node));
  end = pageInfo.endCursor;
  at("older").hidden = !pageInfo.hasNextPage;
  at("no-voicemails").hidden = voicemails.size > 0;
}

// add returns the element of a voicemail, or nothing when it is on the page already, or was deleted since it was read.
function add(voicemail) {
  if (early.has(voicemail.id)) voicemail = early.get(voicemail.id);
  if (!voicemail || voicemails.has(voicemail.id)) return [];
  const read = () => ask(ONE, { id: voicemail.id }).then((data) => data.node);
  const item = voicemailItem(() => read().then((v) => v.audioURL, () => null));
  item.received = Date.parse(voicemail.receivedAt);
  voicemails.set(voicemail.id, item);
  item.update(voicemail);
  if (pending(voicemail)) lookAgain(item, read, Date.now() + PATIENCE);
  return [item.element];
}

function lookAgain(item, read, until) {
  setTimeout(async () => {
    if (!item.element.isConnected) return;
    try {
      const voicemail = await read();
      item.update(voicemail);
      if (!pending(voicemail)) return;
    } catch (problem) {
      if (problem.code === "NOT_FOUND") return;
      if (problem.code === "UNAUTHENTICATED") return trouble(problem);
    }
    if (Date.now() < until) lookAgain(item, read, until);
  }, LOOK_AGAIN);
}

function arrive({ voicemailReceived: { cursor, node } }) {
  places.received = cursor;
  const added = node ? add(node) : [];
  if (!added.length) return;
  at("voicemails").prepend(...added);
  voicemails.get(node.id).markNew();
  at("no-voicemails").hidden = true;
  at("arrivals").textContent = "New voicemail from " + caller(node.from);
}

function change({ voicemailChanged: { cursor, kind, voicemailID, voicemail } }) {
  places.changed = cursor;
  if (kind === "DELETED") return remove(voicemailID);
  if (!voicemail) return;
  if (kind === "RESTORED") restore(voicemail);
  else if (voicemails.has(voicemailID)) voicemails.get(voicemailID).update(voicemail);
  else early.set(voicemailID, voicemail);
}

function remove(id) {
  early.set(id, null);
  voicemails.get(id)?.element.remove();
  voicemails.delete(id);
  at("no-voicemails").hidden = voicemails.size > 0;
}

// restore puts a voicemail before the first one that is older. One that is older than all on the page comes with the older ones.
function restore(voicemail) {
  early.delete(voicemail.id);
  const received = Date.parse(voicemail.receivedAt);
  const next = [...voicemails.values()].filter((item) => item.received < received)
    .reduce((newest, item) => (newest && newest.received >= item.received ? newest : item), null);
  if (!next && !at("older").hidden) return;
  const added = add(voicemail);
  if (next) next.element.before(...added);
  else at("voicemails").append(...added);
  at("no-voicemails").hidden = true;
}

function showCalls({ edges }) {
  const latest = new Map();
  for (const { node } of edges.filter((edge) => edge?.node)) {
    const item = calls.get(node.id) ?? callItem();
    item.update(node);
    latest.set(node.id, item);
  }
  for (const [id, item] of calls) if (!latest.has(id)) item.element.remove();
  calls = latest;
  // What stays where it is must not be moved: it may have the focus.
  [...calls.values()].forEach(({ element }, i) => {
    const there = at("calls").children[i];
    if (there !== element) at("calls").insertBefore(element, there ?? null);
  });
  at("no-calls").hidden = calls.size > 0;
}

// knownCallsFrom is a time, by the service's clock, from which on a call may have changed that the page does not know of: a minute before the
// oldest call that still runs here, or before the newest one, began.
function knownCallsFrom() {
  const all = [...calls.values()].map(({ call }) => call);
  const began = (some) => some.map((call) => Date.parse(call.startedAt));
  const running = began(all.filter((call) => !call.endedAt));
  const from = running.length ? Math.min(...running) : Math.max(0, ...began(all));
  return new Date(Math.max(0, from - MINUTE)).toISOString();
}

function changeCall({ callChanged }) {
  const item = calls.get(callChanged.id);
  if (item) item.update(callChanged);
  else refreshCalls();
}

let refreshing;
function refreshCalls() {
  clearTimeout(refreshing);
  const own = session;
  refreshing = setTimeout(async () => {
    if (own !== session) return;
    const data = await ask(CALLS).then(works, salvage);
    if (data && own === session) showCalls(data.calls);
  }, 300);
}

at("refresh").addEventListener("click", refreshCalls);

at("older").addEventListener("click", async () => {
  const own = session;
  at("older").disabled = true;
  const data = await ask(OLDER, { after: end }).then(works, salvage);
  at("older").disabled = false;
  if (data && own === session) showPage(data.voicemails);
});

at("sign-out").addEventListener("click", () => signIn(""));

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const kept = keepToken(at("token").value);
  at("token").value = "";
  if (!kept) return notice("That is not a token: it has characters that no token has.");
  notice("");
  start();
});

takeTokenFromAddress();
if (token()) start();
else signIn("");
